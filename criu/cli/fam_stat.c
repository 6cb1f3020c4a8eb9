/* SPDX-License-Identifier: GPL-2.0 */
/* `criu fam stat`. */
#include "cli/fam.h"

#include <limits.h>

#include "pager/ask.h"

int fam_run_stat(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	char *end;
	long pid = words[0] ? strtol(words[0], &end, 10) : 0;
	int err;

	if (!words[0])
		err = cr_fail(ctx, -EINVAL, "fam stat needs the pid of a process that was restored lazily");
	else if (*end || pid <= 0 || pid > INT_MAX)
		err = cr_fail(ctx, -EINVAL, "%s is no pid", words[0]);
	else
		err = pager_stat(ctx, pid, opts->json, stdout);
	return fam_status(ctx, err);
}
