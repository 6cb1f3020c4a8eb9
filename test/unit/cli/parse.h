/* SPDX-License-Identifier: GPL-2.0 */
/* A run of the option parser, for tests. Include after <cmocka.h>. */
#ifndef CRIU_TEST_CLI_PARSE_H
#define CRIU_TEST_CLI_PARSE_H

#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

struct parse {
	struct cr_error error;
	struct cr_ctx ctx;
	struct cr_opts opts;
	struct option_parser parser;
	int argc;
	char *argv[32];
	char *text;
	int rest;
	int result;
};

static inline void parse_free(struct parse *p)
{
	options_free(&p->opts);
	free(p->text);
}

#define _cleanup_parse_ __cleanup(parse_free)

static inline void parse_begin(struct parse *p)
{
	memset(p, 0, sizeof(*p));
	p->ctx.error = &p->error;
	options_init(&p->opts);
	p->parser.ctx = &p->ctx;
	p->parser.opts = &p->opts;
}

/* LINE, cut at single blanks, becomes the arguments. */
static inline void parse_words(struct parse *p, const char *line)
{
	char *rest, *word;

	p->text = strdup(line);
	rest = p->text;
	p->argv[p->argc++] = (char *)"criu";
	while ((word = strsep(&rest, " ")))
		p->argv[p->argc++] = word;
}

/* The command line alone; the result is in p->result. */
static inline void parse_line(struct parse *p, const char *line)
{
	parse_begin(p);
	parse_words(p, line);
	p->result = options_parse(&p->parser, p->argc, p->argv, &p->rest);
}

#endif
