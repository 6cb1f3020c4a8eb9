/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The options: one row each in option_table (cli/option_table.c). The command line, the configuration files, --help
 * and the test of the manual page read it. Documentation/howto/add-an-option.md.
 */
#ifndef CRIU_CLI_OPTIONS_H
#define CRIU_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/opts.h"

#define CMD_DUMP	(1u << 0)
#define CMD_PRE_DUMP	(1u << 1)
#define CMD_RESTORE	(1u << 2)
#define CMD_LAZY_PAGES	(1u << 3)
#define CMD_CHECK	(1u << 4)
#define CMD_PAGE_SERVER (1u << 5)
#define CMD_SERVICE	(1u << 6)
#define CMD_SWRK	(1u << 7)
#define CMD_DEDUP	(1u << 8)
#define CMD_CPUINFO	(1u << 9)
#define CMD_FAM_INIT	(1u << 10) /* `criu fam init`, and so on */
#define CMD_FAM_LIST	(1u << 11)
#define CMD_FAM_SHOW	(1u << 12)
#define CMD_FAM_VERIFY	(1u << 13)
#define CMD_FAM_GC	(1u << 14)
#define CMD_FAM_RM	(1u << 15)
#define CMD_FAM_EXPORT	(1u << 16)
#define CMD_FAM_IMPORT	(1u << 17)
#define CMD_FAM_STAT	(1u << 18)
#define CMD_ALL		((1u << 19) - 1)
#define CMD_FAM_ALL	(CMD_ALL & ~(CMD_FAM_INIT - 1))

#define OPTIONS_MAX 128

enum option_arg { ARG_NONE, ARG_REQUIRED, ARG_OPTIONAL };

/* What one run of the program was asked, while it is being found out. */
struct option_parser {
	struct cr_ctx *ctx;
	struct cr_opts *opts;
	const char *source;	 /* the file of the option being parsed, for messages; NULL: the command line */
	unsigned int line;	 /* in it */
	bool counting;		 /* -v -v: the level so far was counted up in this source */
	bool given[OPTIONS_MAX]; /* by row: in the sense that its name says, --no-NAME takes it back */
	bool help, version;
	bool exec_cmd;
};

struct option_row {
	const char *name; /* without the dashes */
	char short_name;  /* or 0 */
	enum option_arg arg;
	bool twin;	     /* there is a --no-NAME */
	unsigned commands;   /* CMD_*: where it means something; elsewhere it is taken and has no effect */
	unsigned refused_on; /* CMD_*: where giving it is an error */
	size_t offset;	     /* in struct cr_opts, for setters that serve several rows */
	const char *choices; /* the values, separated by '|', or NULL */
	const char *arg_name;
	const char *help;
	const char *later; /* not NULL: refused where it means something, by "--NAME " and this text */
	/* VALUE: the argument or NULL; ON: false for --no-NAME. NULL: taken, nothing to set. 0 or -errno, explained. */
	int (*set)(struct option_parser *parser, const struct option_row *row, const char *value, bool on);
};

extern const struct option_row option_table[];
extern const size_t option_table_size;

/* cr_fail with the place in a configuration file, where the option stands in one. Returns CODE. */
int option_fail(struct option_parser *parser, int code, const char *fmt, ...) __printf(3, 4);

/* The defaults; and the release of everything that parsing allocated. */
void options_init(struct cr_opts *opts);
void options_free(struct cr_opts *opts);

/*
 * Applies ARGV (argv[0] is skipped) over what the parser's options hold: getopt_long(3)'s syntax with arguments
 * anywhere and unambiguous prefixes. ARGV is permuted; RET_REST gets the index of the first word that is no option.
 * 0 or -errno, explained through the parser's context.
 */
int options_parse(struct option_parser *parser, int argc, char **argv, int *ret_rest);
/*
 * All of one run of the program: the configuration files that the environment and ARGV name, then ARGV, the last
 * one winning. DEFAULTS are the two files that --config and --no-default-config turn off: NULL for the system's,
 * or a NULL-ended list.
 */
int options_load(struct option_parser *parser, const char *const *defaults, int argc, char **argv, int *ret_rest);
/* What COMMAND (one CMD_*) can't do with what was given: 0, or -errno that names the option. */
int options_check(const struct option_parser *parser, unsigned command);

#endif
