/* SPDX-License-Identifier: GPL-2.0 */
/* The command line: syntax, values, combinations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/parse.h"

static void assert_refused(const char *line, const char *text)
{
	_cleanup_parse_ struct parse p;

	parse_line(&p, line);
	if (!p.result)
		fail_msg("\"%s\" is taken", line);
	if (!strstr(p.error.text, text))
		fail_msg("\"%s\" gives \"%s\", not \"%s\"", line, p.error.text, text);
}

static void words_stand_anywhere(void **state)
{
	_cleanup_parse_ struct parse p;

	parse_line(&p, "-t 17 dump -D /img --leave-running -o dump.log");
	assert_int_equal(p.result, 0);
	assert_int_equal(p.opts.tree_pid, 17);
	assert_string_equal(p.opts.images_dir, "/img");
	assert_string_equal(p.opts.log_file, "dump.log");
	assert_int_equal(p.opts.final_state, FINAL_RUN);
	assert_int_equal(p.rest, p.argc - 1);
	assert_string_equal(p.argv[p.rest], "dump");
}

static void a_runner_s_lines_are_taken(void **state)
{
	static const char *const lines[] = {
		"restore --log-file restore.log --images-dir d --verbosity=4 --pidfile p --action-script a"
		" --restore-detached --timeout 30 --external mnt[/x]:y",
		"dump --tcp-established --file-locks --link-remap --manage-cgroups=full --ext-mount-map auto"
		" --enable-external-sharing --enable-external-masters --enable-fs hugetlbfs --enable-fs tracefs",
		"-D d -o l --cgroup-root name=systemd:/a -v4 -t 1 --skip-in-flight --force-irmap --ghost-limit 300M",
		"restore --root r -d -S --veth-pair eth0=v --ext-unix-sk=12,13 -x --evasive-devices --tcp-close",
		"restore --unprivileged --cpu-cap=none --shell-job --network-lock skip --empty-ns net",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		_cleanup_parse_ struct parse p;

		parse_line(&p, lines[i]);
		if (p.result || options_check(&p.parser, i == 1 || i == 2 ? CMD_DUMP : CMD_RESTORE))
			fail_msg("\"%s\": %s", lines[i], p.error.text);
	}
}

static void prefixes_have_to_be_unambiguous(void **state)
{
	_cleanup_parse_ struct parse p;

	parse_line(&p, "--leave-r --images=x --no-shell");
	assert_int_equal(p.result, 0);
	assert_int_equal(p.opts.final_state, FINAL_RUN);
	assert_refused("--leave", "Option --leave is ambiguous");
	assert_refused("--tcp=3", "Option --tcp is ambiguous");
	assert_refused("--nothing", "Unknown option --nothing");
	assert_refused("-Z", "Unknown option -Z");
	assert_refused("-jZ", "Unknown option -Z");
	assert_refused("--images-dir", "--images-dir needs a value");
	assert_refused("-D", "--images-dir needs a value");
	assert_refused("--shell-job=yes", "--shell-job doesn't take a value");
	assert_refused("--no-shell-job=yes", "--no-shell-job doesn't take a value");
	assert_refused("--no-tree", "Unknown option --no-tree");
}

static void verbosity_counts_or_sets(void **state)
{
	static const struct {
		const char *line;
		int level;
	} cases[] = {
		{ "dump", 2 },		{ "-v0", 0 },	 { "-v4", 4 },	   { "-v", 1 },		{ "-vvv", 3 },
		{ "-v -v", 2 },		{ "-vvvv", 4 },	 { "-vv -vv", 4 }, { "-vvvvvv", 4 },	{ "-v9", 4 },
		{ "--verbosity=3", 3 }, { "-v3 -v", 1 }, { "-v -v3", 3 },  { "-v -v2 -v1", 1 }, { "--verb", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_parse_ struct parse p;

		parse_line(&p, cases[i].line);
		assert_int_equal(p.result, 0);
		if (p.opts.log_level != cases[i].level)
			fail_msg("%s: %d", cases[i].line, p.opts.log_level);
	}
	assert_refused("-vx", "isn't a level");
	assert_refused("-vvx", "isn't a level");
	assert_refused("-v-1", "isn't a level");
	assert_refused("-v3x", "isn't a level");
}

static void twins_take_back(void **state)
{
	_cleanup_parse_ struct parse p;

	parse_line(&p, "-j --no-shell-job --no-ghost-fiemap --tcp-close --no-readahead --use-pmem --lazy-pages "
		       "--no-lazy-pages");
	assert_int_equal(p.result, 0);
	assert_false(p.opts.shell_job);
	assert_false(p.opts.ghost_fiemap);
	assert_true(p.opts.tcp_close);
	assert_int_equal(p.opts.readahead, TRI_NO);
	assert_int_equal(p.opts.page_mode, PAGES_PMEM);
	assert_int_equal(options_check(&p.parser, CMD_DUMP), 0);
}

static void values_are_checked(void **state)
{
	static const char *const bad[] = {
		"-t x",
		"-t 0",
		"-t -1",
		"-t 0x11",
		"-t 4294967297",
		"--timeout -1",
		"--timeout 1s",
		"--ghost-limit 1P",
		"--ghost-limit ",
		"--port 65536",
		"--port x",
		"--ext-unix-sk=1,x",
		"--ext-unix-sk=1,,2",
		"--cpu-cap=foo",
		"--cpu-cap=",
		"--cpu-cap=fpu,",
		"--cpu-cap=^none",
		"--cpu-cap=fpu,,ins",
		"--capture fast",
		"--capture auto|vmread",
		"--capture ",
		"--network-lock x",
		"--empty-ns mnt",
		"--manage-cgroups=some",
		"--file-validation x",
		"--inherit-fd 1:x",
		"--inherit-fd fd[]:x",
		"--inherit-fd fd[x]:x",
		"--inherit-fd fd[1]",
		"--inherit-fd fd[1]:",
		"--close x",
		"--close 987654",
		"--images-dir=",
		"--inherit-fd fd[-1]:x",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(bad[i], "--");
}

static void values_arrive(void **state)
{
	_cleanup_parse_ struct parse p;

	parse_line(&p, "--ghost-limit 300M --capture inject --file-validation filesize --inherit-fd fd[1]:pipe:[77]"
		       " --external a --external b --action-script x --timeout 5 -x --leave-stopped --readahead");
	assert_int_equal(p.result, 0);
	assert_int_equal(p.opts.ghost_limit, 300 << 20);
	assert_int_equal(p.opts.capture, CAPTURE_INJECT);
	assert_int_equal(p.opts.file_validation, VALIDATE_FILESIZE);
	assert_int_equal(p.opts.inherit_fd.nr, 1);
	assert_string_equal(p.opts.inherit_fd.v[0], "fd[1]:pipe:[77]");
	assert_int_equal(p.opts.external.nr, 2);
	assert_string_equal(p.opts.external.v[1], "b");
	assert_int_equal(p.opts.action_scripts.nr, 1);
	assert_int_equal(p.opts.timeout, 5);
	assert_true(p.opts.ext_unix_sk);
	assert_int_equal(p.opts.final_state, FINAL_STOP);
	assert_int_equal(p.opts.readahead, TRI_YES);
}

static void cpu_caps_are_read_from_left_to_right(void **state)
{
	static const struct {
		const char *line;
		unsigned caps;
	} cases[] = {
		{ "dump", CPU_CAP_FPU | CPU_CAP_INS },
		{ "--cpu-cap", CPU_CAP_ALL | CPU_CAP_IMAGE },
		{ "--cpu-cap=all", CPU_CAP_ALL | CPU_CAP_IMAGE },
		{ "--cpu-cap=fpu,ins", CPU_CAP_FPU | CPU_CAP_INS | CPU_CAP_IMAGE },
		{ "--cpu-cap=all,^cpu", CPU_CAP_FPU | CPU_CAP_INS | CPU_CAP_IMAGE },
		{ "--cpu-cap=all,none,ins", CPU_CAP_INS | CPU_CAP_IMAGE },
		{ "--cpu-cap=none", CPU_CAP_NONE },
		{ "--cpu-cap=ins,^ins", CPU_CAP_NONE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_parse_ struct parse p;

		parse_line(&p, cases[i].line);
		assert_int_equal(p.result, 0);
		if (p.opts.cpu_cap != cases[i].caps)
			fail_msg("%s: %#x", cases[i].line, p.opts.cpu_cap);
	}
}

/* What is of later work, and what never went together. */
static void refusals_name_the_option(void **state)
{
	static const struct {
		const char *line;
		unsigned command;
		const char *text;
	} cases[] = {
		{ "--lazy-pages", CMD_DUMP, "--lazy-pages isn't supported yet" },
		{ "--lazy-pages", CMD_RESTORE, "--lazy-pages isn't supported yet" },
		{ "--lazy-pages", CMD_PRE_DUMP, "--lazy-pages can't be used with this command" },
		{ "--page-server", CMD_DUMP, "--page-server isn't supported yet" },
		{ "--track-mem", CMD_DUMP, "--track-mem isn't supported yet" },
		{ "--stream", CMD_RESTORE, "--stream isn't supported yet" },
		{ "--freeze-cgroup x", CMD_DUMP, "--freeze-cgroup isn't supported yet" },
		{ "--libdir x", CMD_DUMP, "--libdir isn't supported yet" },
		{ "--ms", CMD_CHECK, "--ms was removed" },
		{ "--mntns-compat-mode", CMD_DUMP, "--mntns-compat-mode can't be used with this command" },
		{ "--inherit-fd fd[1]:x", CMD_DUMP, "--inherit-fd can't be used with this command" },
		{ "--exec-cmd -d", CMD_RESTORE, "--exec-cmd and --restore-detached" },
		{ "--restore-sibling", CMD_RESTORE, "--restore-sibling needs --restore-detached" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_parse_ struct parse p;

		parse_line(&p, cases[i].line);
		assert_int_equal(p.result, 0);
		if (!options_check(&p.parser, cases[i].command) ||
		    strncmp(p.error.text, cases[i].text, strlen(cases[i].text)))
			fail_msg("%s: \"%s\"", cases[i].line, p.error.text);
	}
}

static void what_another_command_is_for_is_no_error(void **state)
{
	_cleanup_parse_ struct parse p;

	parse_line(&p, "--track-mem --freeze-cgroup x --restore-sibling -t 3 --mntns-compat-mode");
	assert_int_equal(p.result, 0);
	assert_int_equal(options_check(&p.parser, CMD_CHECK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_stand_anywhere),
		cmocka_unit_test(a_runner_s_lines_are_taken),
		cmocka_unit_test(prefixes_have_to_be_unambiguous),
		cmocka_unit_test(verbosity_counts_or_sets),
		cmocka_unit_test(twins_take_back),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(cpu_caps_are_read_from_left_to_right),
		cmocka_unit_test(refusals_name_the_option),
		cmocka_unit_test(what_another_command_is_for_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
