/* SPDX-License-Identifier: GPL-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "base/io.h"
#include "base/script.h"

static char path[] = "/tmp/test_script.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

struct result {
	int status;
	char *log;
	struct cr_error error;
};

static void result_free(struct result *result)
{
	free(result->log);
}

static struct result run(char **scripts, size_t nr, enum script_action action, pid_t init_pid)
{
	struct cr_opts opts = { .action_scripts = { scripts, nr } };
	struct result result = { 0 };
	struct cr_ctx ctx = { .error = &result.error };

	assert_int_equal(log_open(path, LOG_WARN, &ctx.log), 0);
	result.status = script_run(&ctx, &opts, action, 17, init_pid);
	log_close(&ctx.log);
	assert_int_equal(read_file_at(AT_FDCWD, path, 1 << 16, &result.log, NULL), 0);
	return result;
}

static void scripts_know_stage_images_and_task(void **state)
{
	char *scripts[] = { "echo $CRTOOLS_SCRIPT_ACTION ${CRTOOLS_IMAGE_DIR##*/} $CRTOOLS_INIT_PID >&2",
			    "test -e /proc/$PPID && echo ${CRTOOLS_INIT_PID-none}" };
	__cleanup(result_free) struct result with = run(scripts, 2, SCRIPT_POST_RESTORE, 42);
	__cleanup(result_free) struct result without = run(scripts, 2, SCRIPT_PRE_RESTORE, 0);

	assert_int_equal(with.status, 0);
	assert_string_equal(with.log, "post-restore 17 42\n42\n");
	assert_int_equal(without.status, 0);
	assert_string_equal(without.log, "pre-restore 17\nnone\n");
}

static void an_inherited_variable_is_not_taken_for_ours(void **state)
{
	char *scripts[] = { "echo $CRTOOLS_SCRIPT_ACTION ${CRTOOLS_INIT_PID-none}" };
	struct result result;

	setenv("CRTOOLS_SCRIPT_ACTION", "wrong", 1);
	setenv("CRTOOLS_INIT_PID", "1", 1);
	result = run(scripts, 1, SCRIPT_PRE_DUMP, 0);
	unsetenv("CRTOOLS_SCRIPT_ACTION");
	unsetenv("CRTOOLS_INIT_PID");
	assert_string_equal(result.log, "pre-dump none\n");
	result_free(&result);
}

static void a_failing_script_fails_the_stage(void **state)
{
	char *scripts[] = { "exit 7", "echo not reached" };
	char *killed[] = { "kill -KILL $$" };
	__cleanup(result_free) struct result pre = run(scripts, 2, SCRIPT_PRE_DUMP, 1);
	__cleanup(result_free) struct result post = run(scripts, 2, SCRIPT_POST_DUMP, 1);
	__cleanup(result_free) struct result dead = run(killed, 1, SCRIPT_POST_DUMP, 1);

	assert_int_equal(pre.status, -ECANCELED);
	assert_string_equal(pre.error.text, "Action script exit 7 failed at pre-dump with status 7");
	assert_string_equal(pre.log, "");
	assert_int_equal(post.status, 7);
	assert_int_equal(dead.status, -ECANCELED);
	assert_non_null(strstr(dead.error.text, "signal 9"));
}

/* Of the masks only the signals up to 28 are looked at: the C library keeps two real-time ones for itself. */
static void scripts_get_default_signals_and_an_empty_input(void **state)
{
	char *scripts[] = { "sed -nE 's/^Sig(Blk|Ign).*(.{7})$/\\1 \\2/p' /proc/self/status; cat; exit 0" };
	struct result result;
	sigset_t mask, old;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, &old);
	signal(SIGPIPE, SIG_IGN);
	result = run(scripts, 1, SCRIPT_PRE_DUMP, 1);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(result.status, 0);
	assert_string_equal(result.log, "Blk 0000000\nIgn 0000000\n");
	result_free(&result);
}

static void without_scripts_nothing_happens(void **state)
{
	__cleanup(result_free) struct result result = run(NULL, 0, SCRIPT_PRE_DUMP, 1);

	assert_int_equal(result.status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts_know_stage_images_and_task),
		cmocka_unit_test(an_inherited_variable_is_not_taken_for_ours),
		cmocka_unit_test(a_failing_script_fails_the_stage),
		cmocka_unit_test(scripts_get_default_signals_and_an_empty_input),
		cmocka_unit_test(without_scripts_nothing_happens),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
