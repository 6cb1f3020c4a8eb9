/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "cli/config.h"
#include "cli/option_values.h"

/* What getopt_long(3) returns for row I: LONG_BASE + I, and TWIN_BASE + I for its --no- form. */
#define LONG_BASE 0x1000
#define TWIN_BASE 0x2000

/* What getopt_long(3) wants to see. */
struct getopt_tables {
	struct option longs[2 * OPTIONS_MAX + 1];
	char shorts[3 * OPTIONS_MAX + 2];
	char twins[OPTIONS_MAX][40];
};

void options_init(struct cr_opts *opts)
{
	*opts = (struct cr_opts){
		.images_dirfd = -1,
		.log_level = LOG_WARN,
		.ghost_limit = 1 << 20,
		.ghost_fiemap = true,
		.file_validation = VALIDATE_BUILDID,
		.cpu_cap = CPU_CAP_FPU | CPU_CAP_INS,
		.readahead = TRI_AUTO,
		.fam_grace = 3600,
	};
}

static void str_array_free(struct str_array *array)
{
	for (size_t i = 0; i < array->nr; i++)
		free(array->v[i]);
	free(array->v);
}

void options_free(struct cr_opts *opts)
{
	close_fdp(&opts->images_dirfd);
	free(opts->images_dir);
	free(opts->work_dir);
	free(opts->log_file);
	free(opts->pidfile);
	free(opts->root);
	free(opts->check_feature);
	free(opts->fam_dir);
	free(opts->to_dir);
	str_array_free(&opts->action_scripts);
	str_array_free(&opts->external);
	str_array_free(&opts->inherit_fd);
	options_init(opts);
}

static struct getopt_tables *make_tables(void)
{
	struct getopt_tables *tables = calloc(1, sizeof(*tables));
	struct option *next;
	char *s;

	if (!tables)
		return NULL;
	next = tables->longs;
	s = tables->shorts;
	*s++ = ':'; /* a missing argument is told from an unknown option */
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		int has_arg = row->arg == ARG_NONE	 ? no_argument
			      : row->arg == ARG_REQUIRED ? required_argument
							 : optional_argument;

		*next++ = (struct option){ row->name, has_arg, NULL, LONG_BASE + (int)i };
		if (row->twin) {
			snprintf(tables->twins[i], sizeof(tables->twins[i]), "no-%s", row->name);
			*next++ = (struct option){ tables->twins[i], no_argument, NULL, TWIN_BASE + (int)i };
		}
		if (row->short_name) {
			*s++ = row->short_name;
			for (int colons = has_arg; colons; colons--)
				*s++ = ':';
		}
	}
	return tables;
}

static const struct option_row *row_of(int c, bool *ret_on)
{
	*ret_on = c < TWIN_BASE;
	if (c >= TWIN_BASE)
		return &option_table[c - TWIN_BASE];
	if (c >= LONG_BASE)
		return &option_table[c - LONG_BASE];
	for (size_t i = 0; i < option_table_size; i++)
		if (option_table[i].short_name == c)
			return &option_table[i];
	return NULL;
}

int option_fail(struct option_parser *parser, int code, const char *fmt, ...)
{
	char text[sizeof(parser->ctx->error->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (parser->source)
		return cr_fail(parser->ctx, code, "%s:%u: %s", parser->source, parser->line, text);
	return cr_fail(parser->ctx, code, "%s", text);
}

static int fail_syntax(struct option_parser *parser, const struct option *longs, int c, char **argv)
{
	const char *word = argv[optind - 1];
	size_t len = strcspn(word, "="), candidates = 0;
	bool on;
	const struct option_row *row = optopt ? row_of(optopt, &on) : NULL;

	if (row && c == ':')
		return option_fail(parser, -EINVAL, "--%s needs a value", row->name);
	if (row)
		return option_fail(parser, -EINVAL, "--%s%s doesn't take a value", on ? "" : "no-", row->name);
	if (optopt)
		return option_fail(parser, -EINVAL, "Unknown option -%c", optopt);
	for (; longs->name && len > 2; longs++)
		candidates += !strncmp(longs->name, word + 2, len - 2);
	return option_fail(parser, -EINVAL, candidates > 1 ? "Option %.*s is ambiguous" : "Unknown option %.*s",
			   (int)len, word);
}

static int apply(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	if (value && row->choices && option_choice_index(row->choices, value) < 0)
		return option_fail(parser, -EINVAL, "--%s: '%s' is none of %s", row->name, value, row->choices);
	parser->given[row - option_table] = on;
	return row->set ? row->set(parser, row, value, on) : 0;
}

int options_parse(struct option_parser *parser, int argc, char **argv, int *ret_rest)
{
	_cleanup_free_ struct getopt_tables *tables = make_tables();
	int c, err;

	cr_assert(option_table_size <= OPTIONS_MAX);
	if (!tables)
		return cr_fail_errno(parser->ctx, -ENOMEM, "Can't parse the options");
	parser->counting = false;
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, tables->shorts, tables->longs, NULL)) != -1) {
		bool on;
		const struct option_row *row;

		if (c == '?' || c == ':')
			return fail_syntax(parser, tables->longs, c, argv);
		row = row_of(c, &on);
		err = apply(parser, row, optarg, on);
		if (err)
			return err;
	}
	*ret_rest = optind;
	return 0;
}

/* Which configuration files ARGV asks for; what is wrong with it is found by the real parsing. */
static int find_config(int argc, char **argv, const char **ret_file, bool *ret_defaults)
{
	_cleanup_free_ struct getopt_tables *tables = make_tables();
	_cleanup_free_ char **copy = calloc(argc + 1, sizeof(*copy));
	int c;

	if (!tables || !copy)
		return -ENOMEM;
	memcpy(copy, argv, argc * sizeof(*copy));
	*ret_file = NULL;
	*ret_defaults = true;
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, copy, tables->shorts, tables->longs, NULL)) != -1) {
		bool on;
		const struct option_row *row = c == '?' || c == ':' ? NULL : row_of(c, &on);

		if (row && !strcmp(row->name, "config")) {
			*ret_file = optarg;
			*ret_defaults = false;
		} else if (row && !strcmp(row->name, "no-default-config")) {
			*ret_defaults = false;
		}
	}
	return 0;
}

static int load_defaults(struct option_parser *parser, const char *const *defaults)
{
	_cleanup_free_ char *in_home = NULL;
	const char *system[] = { "/etc/criu/default.conf", NULL, NULL };
	const char *home = getenv("HOME");
	int err = 0;

	if (!defaults) {
		if (home && *home) {
			in_home = str_printf("%s/.criu/default.conf", home);
			if (!in_home)
				return cr_fail_errno(parser->ctx, -ENOMEM, "Can't read the configuration");
			system[1] = in_home;
		}
		defaults = system;
	}
	for (; *defaults && !err; defaults++)
		err = config_load(parser, *defaults, true);
	return err;
}

int options_load(struct option_parser *parser, const char *const *defaults, int argc, char **argv, int *ret_rest)
{
	const char *from_env = getenv("CRIU_CONFIG_FILE"), *from_argv;
	bool use_defaults;
	int err;

	err = find_config(argc, argv, &from_argv, &use_defaults);
	if (err)
		return cr_fail_errno(parser->ctx, err, "Can't parse the options");
	if (use_defaults)
		err = load_defaults(parser, defaults);
	if (!err && from_env && *from_env)
		err = config_load(parser, from_env, false);
	if (!err && from_argv)
		err = config_load(parser, from_argv, false);
	return err ?: options_parse(parser, argc, argv, ret_rest);
}

int options_check(const struct option_parser *parser, unsigned command)
{
	const struct cr_opts *opts = parser->opts;
	struct cr_ctx *ctx = parser->ctx;

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if (!parser->given[i])
			continue;
		if (row->refused_on & command)
			return cr_fail(ctx, -EINVAL, "--%s can't be used with this command", row->name);
		if (row->later && (row->commands & command))
			return cr_fail(ctx, -EOPNOTSUPP, "--%s %s", row->name, row->later);
	}
	if (!(command & CMD_RESTORE))
		return 0;
	if (parser->exec_cmd && opts->restore_detached)
		return cr_fail(ctx, -EINVAL, "--exec-cmd and --restore-detached can't be used together");
	if (opts->restore_sibling && !opts->restore_detached)
		return cr_fail(ctx, -EINVAL, "--restore-sibling needs --restore-detached");
	return 0;
}
