/* SPDX-License-Identifier: GPL-2.0 */
/* The command line. See criu(8). */
#ifndef CRIU_CLI_CLI_H
#define CRIU_CLI_CLI_H

#include <stdio.h>

#include "cli/options.h"

/* The whole program: its exit status. */
int cli_main(int argc, char **argv);

/* --help. */
void cli_help(FILE *out);

/* `criu check`: prints the verdict; 0 or 1. */
int cli_check(struct cr_ctx *ctx, const struct cr_opts *opts);
/* `criu cpuinfo dump` and `check`: the exit status. ACTION is the word behind the command, or NULL. */
int cli_cpuinfo(struct cr_ctx *ctx, const struct cr_opts *opts, const char *action);
/* --display-stats: prints stats-dump (or stats-restore) of the current directory. 0 or -errno. */
int cli_print_stats(struct cr_ctx *ctx, unsigned command);

#endif
