/* SPDX-License-Identifier: GPL-2.0 */
/* Configuration files: their lines, and which of them wins. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/str.h"
#include "cli/config.h"
#include "cli/parse.h"

static char dir[] = "/tmp/test_config.XXXXXX";
static const char *const names[] = { "system.conf", "home.conf", "env.conf", "own.conf" };

static int make_dir(void **state)
{
	return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	return chdir("/") ?: rmdir(dir);
}

static void lines_become_words(void **state)
{
	static const struct {
		const char *line, *word;
	} cases[] = {
		{ "", NULL },
		{ "   \t", NULL },
		{ "# a comment", NULL },
		{ "  # another", NULL },
		{ "tcp-close", "--tcp-close" },
		{ "  tcp-close  \t", "--tcp-close" },
		{ "tcp-close\r", "--tcp-close" },
		{ "tcp-close # why", "--tcp-close" },
		{ "tcp-close #why", "--tcp-close" },
		{ "ghost-limit 4K", "--ghost-limit=4K" },
		{ "ghost-limit\t4K   # small", "--ghost-limit=4K" },
		{ "log-file=NAME", "--log-file=NAME" },
		{ "log-file a#b", "--log-file=a#b" },
		{ "action-script \"/bin/a b # c\"", "--action-script=/bin/a b # c" },
		{ "action-script \"say \\\"hi\\\" \\\\ \\n\"", "--action-script=say \"hi\" \\ \\n" },
		{ "root \"\"", "--root=" },
		{ "root a\"b\"", "--root=a\"b\"" },
		{ "root a\\b", "--root=a\\b" },
	};
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_free_ char *word = NULL;

		assert_int_equal(config_line(cases[i].line, &word, &why), 0);
		if (!cases[i].word ? !!word : !word || strcmp(word, cases[i].word))
			fail_msg("<%s> is <%s>, not <%s>", cases[i].line, word ?: "nothing",
				 cases[i].word ?: "nothing");
	}
}

static void broken_lines_are_refused(void **state)
{
	static const char *const lines[] = {
		"root \"a", "root \"a\\\"", "root \"a\"b",	"root a b",	"log-file=a b",
		"--root a", "-D a",	    "\"root\" \"a\" x", "root \"a\"#c",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		_cleanup_free_ char *word = NULL;
		const char *why = NULL;

		if (config_line(lines[i], &word, &why) != -EINVAL || !why)
			fail_msg("<%s> is taken", lines[i]);
		assert_null(word);
	}
}

static void put(const char *name, const char *text)
{
	assert_int_equal(write_file_at(AT_FDCWD, name, text, strlen(text)), 0);
}

/* Every source sets the log file to its own name, and one option that only it has. */
static void put_all(void)
{
	put("system.conf", "log-file system\nghost-limit 1K\nverbosity 4\nexternal s\nshell-job\n");
	put("home.conf", "# of the user\n\nlog-file home\ntcp-close\nexternal h\nno-shell-job\n");
	put("env.conf", "log-file env\nroot e\nexternal e");
	put("own.conf", "log-file own\npidfile o\nexternal o\n");
}

static void load(struct parse *p, const char *from_env, const char *line)
{
	static const char *const defaults[] = { "system.conf", "home.conf", NULL };

	parse_begin(p);
	parse_words(p, line);
	if (from_env)
		setenv("CRIU_CONFIG_FILE", from_env, 1);
	else
		unsetenv("CRIU_CONFIG_FILE");
	p->result = options_load(&p->parser, defaults, p->argc, p->argv, &p->rest);
	unsetenv("CRIU_CONFIG_FILE");
}

static void the_last_source_wins(void **state)
{
	_cleanup_parse_ struct parse none, env, own, line;

	put_all();
	load(&none, NULL, "dump");
	assert_int_equal(none.result, 0);
	assert_string_equal(none.opts.log_file, "home");
	assert_int_equal(none.opts.ghost_limit, 1024);
	assert_int_equal(none.opts.log_level, 4);
	assert_true(none.opts.tcp_close);
	assert_false(none.opts.shell_job);
	assert_int_equal(none.opts.external.nr, 2);

	load(&env, "env.conf", "dump");
	assert_string_equal(env.opts.log_file, "env");
	assert_string_equal(env.opts.root, "e");
	assert_true(env.opts.tcp_close);
	assert_int_equal(env.opts.external.nr, 3);

	/* --config turns the two defaults off, and only them */
	load(&own, "env.conf", "dump --config own.conf");
	assert_string_equal(own.opts.log_file, "own");
	assert_string_equal(own.opts.root, "e");
	assert_string_equal(own.opts.pidfile, "o");
	assert_false(own.opts.tcp_close);
	assert_int_equal(own.opts.external.nr, 2);

	load(&line, "env.conf", "dump --conf=own.conf -o line --external l -v");
	assert_string_equal(line.opts.log_file, "line");
	assert_string_equal(line.opts.pidfile, "o");
	assert_int_equal(line.opts.external.nr, 3);
	assert_int_equal(line.opts.log_level, 1);
}

static void defaults_can_be_left_out(void **state)
{
	_cleanup_parse_ struct parse p;

	put_all();
	load(&p, "env.conf", "dump --no-default-config");
	assert_int_equal(p.result, 0);
	assert_string_equal(p.opts.log_file, "env");
	assert_false(p.opts.tcp_close);
	assert_int_equal(p.opts.log_level, 2);
}

static void a_missing_file_counts_where_it_was_named(void **state)
{
	_cleanup_parse_ struct parse defaults, env, own;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	load(&defaults, NULL, "dump");
	assert_int_equal(defaults.result, 0);
	load(&env, "missing.conf", "dump");
	assert_int_equal(env.result, -ENOENT);
	load(&own, NULL, "dump --config missing.conf");
	assert_int_equal(own.result, -ENOENT);
	assert_non_null(strstr(own.error.text, "missing.conf"));
}

static void errors_name_file_and_line(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "tcp-close\nnothing\n", "own.conf:2: Unknown option --nothing" },
		{ "\n\nroot\n", "own.conf:3: --root needs a value" },
		{ "tcp-close yes\n", "own.conf:1: --tcp-close doesn't take a value" },
		{ "root \"x\n", "own.conf:1: a closing quote is missing" },
		{ "ghost-limit much\n", "own.conf:1: --ghost-limit: 'much' isn't a size" },
		{ "config other\n", "own.conf:1: --config=other can't stand in a file" },
		{ "tcp\n", "own.conf:1: Option --tcp is ambiguous" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_parse_ struct parse p;

		put("own.conf", cases[i].text);
		load(&p, NULL, "dump --config own.conf");
		assert_int_equal(p.result, -EINVAL);
		if (!str_starts(p.error.text, cases[i].error))
			fail_msg("<%s> gives <%s>", cases[i].text, p.error.text);
	}
}

static void a_file_with_a_nul_is_no_text(void **state)
{
	_cleanup_parse_ struct parse p;

	assert_int_equal(write_file_at(AT_FDCWD, "own.conf", "tcp-close\0x", 11), 0);
	load(&p, NULL, "dump --config own.conf");
	assert_int_equal(p.result, -EINVAL);
}

static void a_later_option_counts_from_a_file_too(void **state)
{
	_cleanup_parse_ struct parse p, back;

	put("own.conf", "lazy-pages\n");
	load(&p, NULL, "dump --config own.conf");
	assert_int_equal(p.result, 0);
	assert_int_equal(options_check(&p.parser, CMD_DUMP), -EOPNOTSUPP);
	load(&back, NULL, "dump --config own.conf --no-lazy-pages");
	assert_int_equal(options_check(&back.parser, CMD_DUMP), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_words),
		cmocka_unit_test(broken_lines_are_refused),
		cmocka_unit_test(the_last_source_wins),
		cmocka_unit_test(defaults_can_be_left_out),
		cmocka_unit_test(a_missing_file_counts_where_it_was_named),
		cmocka_unit_test(errors_name_file_and_line),
		cmocka_unit_test(a_file_with_a_nul_is_no_text),
		cmocka_unit_test(a_later_option_counts_from_a_file_too),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
