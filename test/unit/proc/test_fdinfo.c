/* SPDX-License-Identifier: GPL-2.0 */
#include "tree.h"

#include <sys/eventfd.h>

#include "proc/fdinfo.h"
#include "proc/list.h"

static void test_kinds(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		struct proc_fdinfo info;
		uint64_t v;

		assert_int_equal(proc_read_fdinfo(dir, 0, &info), 0);
		assert_int_equal(info.nr_lines, 0);
		assert_true(info.has_ino);
		proc_fdinfo_free(&info);

		/* eventfd(7, EFD_SEMAPHORE | EFD_CLOEXEC) */
		assert_int_equal(proc_read_fdinfo(dir, 4, &info), 0);
		assert_true(info.flags & O_CLOEXEC);
		assert_int_equal(proc_fdinfo_u64(&info, "eventfd-count", 16, &v), 0);
		assert_int_equal(v, 7);
		proc_fdinfo_free(&info);

		/* A timerfd with 3 s and 4 ns of interval */
		assert_int_equal(proc_read_fdinfo(dir, 5, &info), 0);
		assert_true(info.flags & O_NONBLOCK);
		assert_false(info.flags & O_CLOEXEC);
		assert_int_equal(proc_fdinfo_u64(&info, "clockid", 10, &v), 0);
		assert_int_equal(v, 1);
		assert_int_equal(proc_fdinfo_u64(&info, "settime flags", 8, &v), 0);
		assert_int_equal(v, 0);
		assert_string_equal(proc_fdinfo_value(&info, "it_interval", 0), "(3, 4)");
		assert_int_equal(proc_fdinfo_u64(&info, "it_interval", 10, &v), -EBADMSG);
		assert_int_equal(proc_fdinfo_u64(&info, "it", 10, &v), -ENOENT);
		proc_fdinfo_free(&info);

		/* A signalfd of signals 12 and 40 */
		assert_int_equal(proc_read_fdinfo(dir, 6, &info), 0);
		assert_int_equal(proc_fdinfo_u64(&info, "sigmask", 16, &v), 0);
		assert_int_equal(v, 1ull << 39 | 1ull << 11);
		proc_fdinfo_free(&info);

		/* An epoll descriptor that watches two */
		assert_int_equal(proc_read_fdinfo(dir, 7, &info), 0);
		assert_int_equal(info.nr_lines, 2);
		assert_non_null(proc_fdinfo_value(&info, "tfd", 1));
		assert_null(proc_fdinfo_value(&info, "tfd", 2));
		assert_non_null(strstr(info.lines[1], "data: 1122334455667788"));
		proc_fdinfo_free(&info);

		assert_int_equal(proc_read_fdinfo(dir, 8, &info), 0);
		assert_int_equal(strncmp(proc_fdinfo_value(&info, "inotify", 0), "wd:1 ", 5), 0);
		proc_fdinfo_free(&info);

		assert_int_equal(proc_read_fdinfo(dir, 9999, &info), -ENOENT);
		close(dir);
	}
}

static int parse(const char *text, size_t len)
{
	struct proc_fdinfo info;
	char *copy = malloc(len + 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, text, len);
	copy[len] = '\0';
	err = proc_parse_fdinfo(copy, len, &info);
	if (!err)
		proc_fdinfo_free(&info);
	return err;
}

static void test_lines(void **state __unused_arg)
{
	static const char *const bad[] = {
		"",
		"\n",
		"pos:\t0\n",
		"pos:\t0\nflags:\t02\n",
		"pos:\t0\nflags:\t08\nmnt_id:\t1\n",
		"pos:\t\nflags:\t02\nmnt_id:\t1\n",
		"pos:\t0\nflags:\t02\nmnt_id:\t1",
		"pos:\t0\nflags:\t02 x\nmnt_id:\t1\n",
		"pos:\t0\nflags:\t040000000000\nmnt_id:\t1\n",
		/* nothing else may come before them */
		"x:\t1\npos:\t0\nflags:\t02\nmnt_id:\t1\n",
	};
	static const char old[] = "pos:\t-1\nflags:\t02\nmnt_id:\t1\npos:\tagain\n";
	struct proc_fdinfo info;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], strlen(bad[i])), -EBADMSG);
	/* Linux before 5.14; the position of /proc/PID/mem may be any. */
	assert_int_equal(proc_parse_fdinfo(strdup(old), strlen(old), &info), 0);
	assert_false(info.has_ino);
	assert_int_equal(info.pos, UINT64_MAX);
	assert_int_equal(info.nr_lines, 1);
	assert_string_equal(proc_fdinfo_value(&info, "pos", 0), "again");
	proc_fdinfo_free(&info);
}

static void test_mutated(void **state __unused_arg)
{
	int dir = tree_open("6.18");

	for (int fd = 0; fd <= 8; fd++) {
		char path[32];
		char *text;
		size_t len;

		snprintf(path, sizeof(path), "fdinfo/%d", fd);
		text = tree_text(dir, path, &len);
		assert_true(mutate(text, len, parse) > 0);
		free(text);
	}
	close(dir);
}

static void test_self(void **state __unused_arg)
{
	int dir = proc_open_pid(getpid()), fd = eventfd(0xabc, EFD_CLOEXEC);
	struct proc_fdinfo info;
	struct proc_numbers fds;
	uint64_t v;
	size_t i = 0;

	assert_int_equal(proc_read_fdinfo(dir, fd, &info), 0);
	assert_int_equal(proc_fdinfo_u64(&info, "eventfd-count", 16, &v), 0);
	assert_int_equal(v, 0xabc);
	assert_int_equal(info.flags, O_RDWR | O_CLOEXEC);
	proc_fdinfo_free(&info);
	assert_int_equal(proc_list_fds(dir, &fds), 0);
	while (i < fds.nr && fds.v[i] != fd)
		i++;
	assert_true(i < fds.nr);
	proc_numbers_free(&fds);
	close(fd);
	close(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_mutated),
		cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
