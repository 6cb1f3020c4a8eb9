/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/commands.h"

#include <string.h>

#include "cli/cli.h"
#include "dump/dump.h"
#include "restore/restore.h"

/* The exit status of a dump or restore that returned RESULT. */
static int conclude(struct cr_ctx *ctx, const struct cr_opts *opts, unsigned command, int result, const char *done,
		    const char *failed)
{
	if (result) {
		cr_error_log(ctx, result);
		log_line(ctx->log, LOG_ERROR, __FILE__, __LINE__, "%s", failed);
		return result > 0 ? result : EXIT_FAILURE;
	}
	log_info(ctx->log, "%s", done);
	if (opts->display_stats && cli_print_stats(ctx, command))
		log_warn(ctx->log, "Can't read the statistics back");
	return EXIT_SUCCESS;
}

static int run_dump(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	int result = opts->tree_pid ? 0 : cr_fail(ctx, -EINVAL, "No process to dump was given (-t PID)");

	return conclude(ctx, opts, CMD_DUMP, result ?: cr_dump(ctx, opts), "Dumping finished successfully",
			"Dumping FAILED.");
}

static int run_restore(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	return conclude(ctx, opts, CMD_RESTORE, cr_restore(ctx, opts), "Restore finished successfully. Tasks resumed.",
			"Restoring FAILED.");
}

static int run_check(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	return cli_check(ctx, opts);
}

static int run_cpuinfo(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	return cli_cpuinfo(ctx, opts, words[0]);
}

const struct command commands[] = {
	{ "dump", CMD_DUMP, "-t PID -D DIR", "save a process tree", .run = run_dump },
	{ "restore", CMD_RESTORE, "-D DIR", "bring it back", .run = run_restore },
	{ "check", CMD_CHECK, "[--feature NAME]", "tell what this kernel can do", .run = run_check },
	{ "cpuinfo", CMD_CPUINFO, "dump|check", "save or compare what the CPU can do", .max_words = 1,
	  .run = run_cpuinfo },
	{ "fam", CMD_FAM_ALL, .sub = fam_commands },
	{ "pre-dump", CMD_PRE_DUMP },
	{ "lazy-pages", CMD_LAZY_PAGES },
	{ "page-server", CMD_PAGE_SERVER },
	{ "service", CMD_SERVICE },
	{ "swrk", CMD_SWRK, .max_words = 1 },
	{ "dedup", CMD_DEDUP },
	{ "exec", .removed = "use the compel program to run code inside of a task" },
	{ "show", .removed = "use crit show to look into images" },
	{ NULL },
};

const struct command *command_find(const struct command *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}
