/* SPDX-License-Identifier: GPL-2.0 */
/* The program as its callers see it: exit status, output, log. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cpuinfo.pb-c.h"
#include "image/image.h"

static char dir[] = "/tmp/test_cli.XXXXXX";

static int make_dir(void **state)
{
	unsetenv("CRIU_CONFIG_FILE");
	unsetenv("CRIU_FAULT_PHASE");
	setenv("HOME", "/nonexistent", 1);
	return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = { "out", "err", "log", "cpuinfo.img" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	return chdir("/") ?: rmdir(dir);
}

struct run {
	int status;
	char *out, *err;
};

static void run_free(struct run *run)
{
	free(run->out);
	free(run->err);
}

#define _cleanup_run_ __cleanup(run_free)

/* Runs "criu" with the words of LINE in a child. */
static struct run run(const char *line)
{
	_cleanup_free_ char *text = strdup(line);
	char *argv[16] = { (char *)"criu" }, *rest = text, *word;
	struct run result = { 0 };
	int argc = 1, status;
	pid_t pid;

	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	pid = fork();
	if (!pid) {
		dup2(open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
		dup2(open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
		_exit(cli_main(argc, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	result.status = WEXITSTATUS(status);
	assert_int_equal(read_file_at(AT_FDCWD, "out", 1 << 20, &result.out, NULL), 0);
	assert_int_equal(read_file_at(AT_FDCWD, "err", 1 << 20, &result.err, NULL), 0);
	return result;
}

static void exit_statuses_are_the_ones_that_callers_know(void **state)
{
	static const struct {
		const char *line;
		int status;
		const char *says;
	} cases[] = {
		{ "", 1, "Error (" },
		{ "nothing", 1, "Unknown command nothing" },
		{ "dump", 1, "Dumping FAILED." },
		{ "dump -t 1 more", 1, "Error (" },
		{ "dump -t 1 --lazy-pages", 1, "--lazy-pages isn't supported yet" },
		{ "dump -t 1 -D /nonexistent", 1, "images directory" },
		{ "dump -t 1 -W /nonexistent", 1, "work directory" },
		{ "dump -t 1 -o /nonexistent/log", 1, "log file" },
		{ "pre-dump -t 1", 1, "The command pre-dump isn't supported yet" },
		{ "page-server", 1, "The command page-server isn't supported yet" },
		{ "lazy-pages", 1, "The command lazy-pages isn't supported yet" },
		{ "service", 1, "The command service isn't supported yet" },
		{ "swrk 3", 1, "The command swrk isn't supported yet" },
		{ "dedup", 1, "The command dedup isn't supported yet" },
		{ "exec -t 1 -- ls", 255, "compel" },
		{ "show x", 255, "crit" },
		{ "check --feature nothing", 1, "Unknown feature nothing" },
		{ "check --feature compat_cr", 1, "compat_cr isn't supported" },
		{ "cpuinfo", 1, "dump or check" },
		{ "cpuinfo check", 1, "cpuinfo.img" },
		{ "restore --exec-cmd", 1, "needs a command" },
		{ "fam", 1, "No command was given" },
		{ "fam nothing", 1, "Unknown command nothing" },
		{ "fam list a b", 1, "b is more than the command list takes" },
		{ "fam list --dry-run", 1, "--dry-run can't be used with this command" },
		{ "dump -t 1 --json", 1, "--json can't be used with this command" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_run_ struct run r = run(cases[i].line);

		if (r.status != cases[i].status || !strstr(r.err, cases[i].says) || *r.out)
			fail_msg("criu %s: %d, \"%s\", \"%s\"", cases[i].line, r.status, r.out, r.err);
	}
}

static void version_and_help_go_to_standard_output(void **state)
{
	_cleanup_run_ struct run version = run("--version"), help = run("dump -h");

	assert_int_equal(version.status, 0);
	assert_string_equal(version.out, "Version: 4.2\n");
	assert_string_equal(version.err, "");
	assert_int_equal(help.status, 0);
	assert_non_null(strstr(help.out, "--images-dir DIR"));
}

static void a_feature_is_named(void **state)
{
	_cleanup_run_ struct run there = run("check --feature memfd"), off = { 0 };

	assert_int_equal(there.status, 0);
	assert_string_equal(there.out, "memfd is supported\n");
	setenv("CRIU_KERNEL_MEMFD", "0", 1);
	off = run("check --feature memfd");
	unsetenv("CRIU_KERNEL_MEMFD");
	assert_int_equal(off.status, 1);
	assert_string_equal(off.out, "");
}

static void a_missing_need_spoils_the_check(void **state)
{
	_cleanup_run_ struct run r = { 0 };

	setenv("CRIU_KERNEL_KCMP", "0", 1);
	r = run("check");
	unsetenv("CRIU_KERNEL_KCMP");
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "Does not look good.\n");
}

static void the_log_begins_with_the_version(void **state)
{
	_cleanup_free_ char *log = NULL;
	_cleanup_run_ struct run r = run("dump -v4 -o log");
	char *line;

	assert_int_equal(r.status, 1);
	assert_string_equal(r.err, "");
	assert_int_equal(read_file_at(AT_FDCWD, "log", 1 << 20, &log, NULL), 0);
	assert_non_null(strstr(log, ") Version: 4.2 (gitid 0)\n"));
	line = strchr(log, '\n') + 1;
	assert_non_null(strstr(line, ") Running on "));
	assert_true(str_ends(log, ": Dumping FAILED.\n"));
}

static void phases_are_listed(void **state)
{
	_cleanup_run_ struct run r = { 0 };

	setenv("CRIU_FAULT_PHASE", "list", 1);
	r = run("dump -t 1");
	unsetenv("CRIU_FAULT_PHASE");
	assert_int_equal(r.status, 0);
	assert_true(str_starts(r.out, "dump "));
	assert_non_null(strstr(r.out, "\nrestore "));
}

/* Writes this machine's cpuinfo.img back with one thing changed. */
static void change_cpuinfo(void (*change)(CpuinfoX86Entry *entry))
{
	_cleanup_close_ int dirfd = open(".", O_RDONLY | O_DIRECTORY);
	_cleanup_image_message_ ProtobufCMessage *message = NULL;
	_cleanup_run_ struct run r = run("cpuinfo dump");

	assert_int_equal(r.status, 0);
	assert_int_equal(image_read_single(dirfd, IMG_CPUINFO, &message), 0);
	change(((CpuinfoEntry *)message)->x86_entry[0]);
	assert_int_equal(image_write_single(dirfd, IMG_CPUINFO, message), 0);
}

static void all_instructions(CpuinfoX86Entry *entry)
{
	for (size_t i = 0; i < entry->n_capability; i++)
		entry->capability[i] = ~0u;
}

static void another_model(CpuinfoX86Entry *entry)
{
	entry->model++;
}

static void more_state(CpuinfoX86Entry *entry)
{
	entry->xfeatures_mask |= 1ull << 62;
}

static void fewer_words(CpuinfoX86Entry *entry)
{
	entry->n_capability = 3;
}

static void less(CpuinfoX86Entry *entry)
{
	entry->capability[4] = 0;
	entry->capability[9] = 0;
}

static void another_version(CpuinfoX86Entry *entry)
{
	entry->capability_ver = 9;
}

static void cpus_are_compared(void **state)
{
	static const struct {
		void (*change)(CpuinfoX86Entry *entry);
		const char *line;
		int status;
	} cases[] = {
		{ less, "cpuinfo check --cpu-cap=all", 0 },
		{ all_instructions, "cpuinfo check", 161 },
		{ all_instructions, "cpuinfo check --cpu-cap=ins", 161 },
		{ all_instructions, "cpuinfo check --cpu-cap=none", 0 },
		{ another_model, "cpuinfo check", 0 },
		{ another_model, "cpuinfo check --cpu-cap=cpu", 161 },
		{ more_state, "cpuinfo check --cpu-cap=fpu", 161 },
		{ more_state, "cpuinfo check --cpu-cap=ins", 0 },
		{ fewer_words, "cpuinfo check", 1 },
		{ another_version, "cpuinfo check", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_run_ struct run r = { 0 };

		change_cpuinfo(cases[i].change);
		r = run(cases[i].line);
		if (r.status != cases[i].status)
			fail_msg("case %zu, criu %s: %d, \"%s\"", i, cases[i].line, r.status, r.err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_statuses_are_the_ones_that_callers_know),
		cmocka_unit_test(version_and_help_go_to_standard_output),
		cmocka_unit_test(a_feature_is_named),
		cmocka_unit_test(a_missing_need_spoils_the_check),
		cmocka_unit_test(the_log_begins_with_the_version),
		cmocka_unit_test(phases_are_listed),
		cmocka_unit_test(cpus_are_compared),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
