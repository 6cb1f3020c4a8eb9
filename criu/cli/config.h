/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configuration files: on each line a long option without its dashes, and its value behind blanks or '='. A value in
 * double quotes may hold blanks, '#', \" and \\. A word that begins with '#' starts a comment. See criu(8).
 */
#ifndef CRIU_CLI_CONFIG_H
#define CRIU_CLI_CONFIG_H

#include "cli/options.h"

/* Applies the file's options over what the parser holds. 0 (also without the file if OPTIONAL) or -errno, explained. */
int config_load(struct option_parser *parser, const char *path, bool optional);

/* A line as an option word: "--name", "--name=value", NULL when it is empty. 0, -EINVAL with *RET_WHY, or -ENOMEM. */
int config_line(const char *line, char **ret, const char **ret_why);

#endif
