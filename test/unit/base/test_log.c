/* SPDX-License-Identifier: GPL-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <regex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"

static char path[] = "/tmp/test_log.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

static char *content(void)
{
	char *text = NULL;

	assert_int_equal(read_file_at(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
	return text;
}

static void assert_matches(const char *text, const char *pattern)
{
	regex_t re;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&re, text, 0, NULL, 0))
		fail_msg("\"%s\" does not match \"%s\"", text, pattern);
	regfree(&re);
}

static void lines_have_the_forms_that_tools_look_for(void **state)
{
	_cleanup_free_ char *quiet = NULL, *loud = NULL;
	struct log *log;

	assert_int_equal(log_open(path, LOG_WARN, &log), 0);
	log_msg(log, "hello");
	log_warn(log, "careful");
	log_info(log, "not seen");
	log_line(log, LOG_ERROR, "a.c", 3, "broken");
	log_close(&log);
	assert_null(log);
	quiet = content();
	assert_matches(quiet, "^hello\nWarn  \\([^)]*test_log.c:[0-9]+\\): careful\nError \\(a.c:3\\): broken\n$");

	assert_int_equal(log_open(path, LOG_DEBUG, &log), 0);
	log_debug(log, "one\n");
	log_set_prefix(log, "17: ");
	log_line(log, LOG_ERROR, "a.c", 4, "two");
	log_close(&log);
	loud = content();
	assert_matches(loud,
		       "^\\([0-9]{2,}\\.[0-9]{6}\\) one\n\\([0-9]{2,}\\.[0-9]{6}\\) 17: Error \\(a.c:4\\): two\n$");
}

static void a_line_stays_one_line(void **state)
{
	_cleanup_free_ char *text = NULL, *huge = malloc(100000);
	struct log *log;
	char *second;

	memset(huge, 'h', 99999);
	huge[99999] = '\0';
	assert_int_equal(log_open(path, LOG_WARN, &log), 0);
	log_msg(log, "comm is a\nError (x:1): b\033[1m");
	log_msg(log, "%s", huge);
	log_msg(log, "%s", "");
	log_close(&log);
	text = content();
	assert_matches(text, "^comm is a[?]Error [(]x:1[)]: b[?]\\[1m\n");
	second = text + strcspn(text, "\n") + 1;
	assert_true(strlen(second) < 4096);
	assert_string_equal(second + strlen(second) - 3, "h\n\n");
}

static void the_file_stays_the_same_file(void **state)
{
	struct stat before, after;
	struct log *log;

	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(log_open(path, LOG_WARN, &log), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino && after.st_size == 0);
	assert_int_equal(after.st_mode & 07777, 0600);
	assert_true(log_fd(log) > 2);
	assert_int_equal(fcntl(log_fd(log), F_GETFD), FD_CLOEXEC);
	log_close(&log);
	assert_int_equal(log_open("/nowhere/at/all", LOG_WARN, &log), -ENOENT);
}

static void logging_keeps_errno(void **state)
{
	struct log *log;

	assert_int_equal(log_open(path, LOG_DEBUG, &log), 0);
	close(log_fd(log));
	errno = ENOTTY;
	log_warn(log, "nobody hears this");
	assert_int_equal(errno, ENOTTY);
	log_set_fd(log, -1);
	log_close(&log);
	log_line(NULL, LOG_ERROR, "a.c", 1, "without a log nothing happens");
}

static void the_first_error_wins(void **state)
{
	static struct cr_error error;
	_cleanup_free_ char *text = NULL;
	struct cr_ctx ctx = { .error = &error };

	memset(&error, 0, sizeof(error));
	assert_int_equal(log_open(path, LOG_WARN, &ctx.log), 0);
	assert_int_equal(cr_fail_errno(&ctx, -ENOENT, "Can't open %s", "x"), -ENOENT);
	assert_int_equal(cr_fail(&ctx, -EPERM, "Can't dump"), -EPERM);
	assert_int_equal(error.code, -ENOENT);
	assert_string_equal(error.text, "Can't open x: No such file or directory");
	cr_error_log(&ctx, -EPERM);
	log_close(&ctx.log);
	text = content();
	assert_matches(text, "^Error [(][^)]*test_log.c:[0-9]+[)]: Can't open x: No such file or directory\n$");
}

static void an_unexplained_error_has_its_number_s_text(void **state)
{
	static struct cr_error error;
	_cleanup_free_ char *text = NULL;
	struct cr_ctx ctx = { .error = &error };

	memset(&error, 0, sizeof(error));
	assert_int_equal(log_open(path, LOG_WARN, &ctx.log), 0);
	cr_error_log(&ctx, -EXDEV);
	cr_error_log(&ctx, -99999);
	log_close(&ctx.log);
	text = content();
	assert_matches(text, "^Error [(][^)]*[)]: Invalid cross-device link\nError [(][^)]*[)]: Unknown error\n$");
	assert_int_equal(cr_fail(NULL, -EIO, "nowhere to put it"), -EIO);
}

static void one_of_many_processes_wins(void **state)
{
	struct cr_error *error = mmap(NULL, sizeof(*error), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cr_ctx ctx = { .error = error };
	pid_t pids[8];

	for (int i = 0; i < 8; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			cr_fail(&ctx, -(i + 1), "task %d", i + 1);
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++)
		waitpid(pids[i], NULL, 0);
	assert_int_equal(atomic_load(&error->taken), 2);
	assert_int_equal(strncmp(error->text, "task ", 5), 0);
	assert_int_equal(atoi(error->text + 5), -error->code);
	munmap(error, sizeof(*error));
}

static void a_long_error_is_cut(void **state)
{
	static struct cr_error error;
	struct cr_ctx ctx = { .error = &error };
	char name[3000];

	memset(&error, 0, sizeof(error));
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	cr_fail_errno(&ctx, -EIO, "Can't read %s", name);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_have_the_forms_that_tools_look_for),
		cmocka_unit_test(a_line_stays_one_line),
		cmocka_unit_test(the_file_stays_the_same_file),
		cmocka_unit_test(logging_keeps_errno),
		cmocka_unit_test(the_first_error_wins),
		cmocka_unit_test(an_unexplained_error_has_its_number_s_text),
		cmocka_unit_test(one_of_many_processes_wins),
		cmocka_unit_test(a_long_error_is_cut),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
