/* SPDX-License-Identifier: GPL-2.0 */
/* Which paths of /proc are about one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fd/proc_path.h"

static void expect_path(const char *text, pid_t pid, pid_t tid, const char *rest)
{
	struct proc_path path;

	assert_true(proc_path_parse(text, &path));
	assert_int_equal(path.pid, pid);
	assert_int_equal(path.tid, tid);
	assert_string_equal(path.rest, rest);
}

static void test_parse(void **state __unused_arg)
{
	struct proc_path path;

	expect_path("/proc/1", 1, 1, "");
	expect_path("/proc/4194303/net/dev", 4194303, 4194303, "net/dev");
	expect_path("/proc/12/task", 12, 12, "task");
	expect_path("/proc/12/task/12", 12, 12, "");
	expect_path("/proc/12/task/13/comm", 12, 13, "comm");
	expect_path("/proc/12/task/x", 12, 12, "task/x");
	assert_false(proc_path_parse("/proc", &path));
	assert_false(proc_path_parse("/proc/", &path));
	assert_false(proc_path_parse("/proc/self", &path));
	assert_false(proc_path_parse("/proc/12x/maps", &path));
	assert_false(proc_path_parse("/proc/0/maps", &path));
	assert_false(proc_path_parse("/proc/012", &path));
	assert_false(proc_path_parse("/proc/99999999999999999999", &path));
	assert_false(proc_path_parse("/x/proc/12/maps", &path));
}

static void test_inside(void **state __unused_arg)
{
	assert_true(proc_path_inside("fd/3", "fd"));
	assert_false(proc_path_inside("fd", "fd"));
	assert_false(proc_path_inside("fdinfo/3", "fd"));
	assert_false(proc_path_inside("", "fd"));
}

static void test_number(void **state __unused_arg)
{
	assert_true(proc_path_has_number("/x/proc/12"));
	assert_true(proc_path_has_number("/x/proc/12/maps"));
	assert_false(proc_path_has_number("/x/proc12/meminfo"));
	assert_false(proc_path_has_number("/x/12a/meminfo"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
