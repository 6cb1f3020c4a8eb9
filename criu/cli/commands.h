/* SPDX-License-Identifier: GPL-2.0 */
/* The commands: one row each. The command line, --help and the test of the manual page read the tables. */
#ifndef CRIU_CLI_COMMANDS_H
#define CRIU_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

#define ANY_WORDS (~0u)

struct command {
	const char *name;	   /* NULL ends a table */
	unsigned bit;		   /* CMD_*; of a command with sub: all of theirs */
	const char *words;	   /* what stands behind the name, as --help shows it; NULL: nothing */
	const char *help;	   /* what it does, in a few words; NULL: --help leaves it out */
	const char *removed;	   /* a hint; the command is gone */
	unsigned max_words;	   /* words that may follow which are no options */
	bool no_images;		   /* needs no images directory: stays where it was started */
	const struct command *sub; /* the next word is the name of one of these */
	/* The exit status. NULL: not supported yet. WORDS: those that follow, NULL-ended. */
	int (*run)(struct cr_ctx *ctx, const struct cr_opts *opts, char **words);
};

extern const struct command commands[];
/* `criu fam COMMAND`. */
extern const struct command fam_commands[];

/* The row of that name in TABLE, or NULL. */
const struct command *command_find(const struct command *table, const char *name);

#endif
