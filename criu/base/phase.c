/* SPDX-License-Identifier: GPL-2.0 */
#include "base/phase.h"

#include <string.h>

#define FAULT_ENV "CRIU_FAULT_PHASE"

/* Is WHAT (NAME, or NAME followed by SUFFIX) the fault that was asked for? */
static bool fault_wanted(const char *name, const char *suffix)
{
	const char *fault = getenv(FAULT_ENV);
	size_t len = strlen(name);

	return fault && !strncmp(fault, name, len) && !strcmp(fault + len, suffix);
}

static int run_one(struct cr_ctx *ctx, const struct phase *phase, void *arg)
{
	int err;

	if (fault_wanted(phase->name, ":before"))
		return cr_fail(ctx, -EIO, "Phase %s is made to fail before it runs by " FAULT_ENV, phase->name);
	log_debug(ctx->log, "Phase: %s", phase->name);
	err = phase->run(arg);
	if (err)
		return err;
	if (fault_wanted(phase->name, ""))
		return cr_fail(ctx, -EIO, "Phase %s is made to fail by " FAULT_ENV, phase->name);
	return 0;
}

int phases_run(struct cr_ctx *ctx, const struct phase *table, size_t nr, void *arg, int (*cancelled)(void *arg))
{
	size_t begun = 0;
	int err = 0;

	while (!err && begun < nr) {
		err = cancelled ? cancelled(arg) : 0;
		if (!err)
			err = run_one(ctx, &table[begun++], arg);
	}
	if (!err)
		return 0;
	while (begun--)
		if (table[begun].undo)
			table[begun].undo(arg);
	return err;
}
