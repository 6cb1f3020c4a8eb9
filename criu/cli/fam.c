/* SPDX-License-Identifier: GPL-2.0 */
/* `criu fam COMMAND`: the table. */
#include "cli/fam.h"

#include "cli/commands.h"

const struct command fam_commands[] = {
	{ "init", CMD_FAM_INIT, "[POOL] [--size SIZE]", "make a pool", .max_words = 1, .no_images = true,
	  .run = fam_run_init },
	{ "list", CMD_FAM_LIST, "[POOL]", "its checkpoints", .max_words = 1, .no_images = true, .run = fam_run_list },
	{ "show", CMD_FAM_SHOW, "[POOL] ID", "one checkpoint", .max_words = 2, .no_images = true, .run = fam_run_show },
	{ "verify", CMD_FAM_VERIFY, "[POOL] [ID]", "look for damage", .max_words = 2, .no_images = true,
	  .run = fam_run_verify },
	{ "gc", CMD_FAM_GC, "[POOL] [--orphans]", "free what nobody needs", .max_words = 1, .no_images = true,
	  .run = fam_run_gc },
	{ "rm", CMD_FAM_RM, "[POOL] ID...", "remove checkpoints", .max_words = ANY_WORDS, .no_images = true,
	  .run = fam_run_rm },
	{ "export", CMD_FAM_EXPORT, "[POOL] ID --to DIR", "a checkpoint becomes an ordinary set of images",
	  .max_words = 2, .no_images = true, .run = fam_run_export },
	{ "import", CMD_FAM_IMPORT, "[POOL] -D SET --to DIR", "the reverse", .max_words = 1, .no_images = true,
	  .run = fam_run_import },
	{ "stat", CMD_FAM_STAT, "PID", "how far a lazy restore is", .max_words = 1, .no_images = true,
	  .run = fam_run_stat },
	{ NULL },
};
