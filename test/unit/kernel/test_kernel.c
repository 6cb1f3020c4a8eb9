/* SPDX-License-Identifier: GPL-2.0 */
/* The probe table. What the probes find is the machine's affair; that they end and leave nothing behind is ours. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "kernel/probes.h"

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void the_table_is_whole(void **state)
{
	for (int i = 0; i < KERNEL_FEATURES; i++) {
		assert_non_null(kernel_probes[i].name);
		assert_int_equal(!kernel_probes[i].probe, !!kernel_probes[i].later);
		assert_int_equal(kernel_find(kernel_probes[i].name), i);
	}
	assert_int_equal(kernel_find("nothing"), -ENOENT);
	assert_int_equal(kernel_find(""), -ENOENT);
}

static void probes_leave_nothing_behind(void **state)
{
	size_t before;

	for (int i = 0; i < KERNEL_FEATURES; i++) {
		int result;

		if (!kernel_probes[i].probe)
			continue;
		before = count_fds();
		result = kernel_probes[i].probe();
		if (result > 0 || result < -4095)
			fail_msg("%s gives %d", kernel_probes[i].name, result);
		if (count_fds() != before)
			fail_msg("%s leaves a descriptor open", kernel_probes[i].name);
		if (waitpid(-1, NULL, WNOHANG | __WALL) >= 0)
			fail_msg("%s leaves a child", kernel_probes[i].name);
	}
}

static void each_can_be_switched_off(void **state)
{
	char variable[64];

	for (int i = 0; i < KERNEL_FEATURES; i++) {
		_cleanup_kernel_ struct kernel *kernel = NULL;

		assert_int_equal(kernel_new(&kernel), 0);
		snprintf(variable, sizeof(variable), "CRIU_KERNEL_%s", kernel_probes[i].name);
		for (char *p = variable; *p; p++)
			*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
		setenv(variable, "0", 1);
		assert_int_equal(kernel_ask(kernel, i), kernel_probes[i].later ? -EOPNOTSUPP : -ECANCELED);
		unsetenv(variable);
		assert_false(kernel_has(kernel, i)); /* the answer is kept */
	}
}

static int answer_enodev(void)
{
	return -ENODEV;
}

static int die(void)
{
	kill(getpid(), SIGKILL);
	return 0;
}

static int stop(pid_t pid)
{
	return -ESRCH;
}

static void children_tell_their_errno(void **state)
{
	assert_int_equal(probe_in_child(answer_enodev), -ENODEV);
	assert_int_equal(probe_in_child(die), -ENOSYS);
	assert_int_equal(probe_tracee(answer_enodev, 0, stop), -ENODEV);
	assert_int_equal(probe_tracee(NULL, 0, stop), -ESRCH);
	assert_int_equal(probe_tracee(NULL, 0, NULL), 0);
	assert_int_equal(probe_file_line("/proc/self/status", "Name:"), 0);
	assert_int_equal(probe_file_line("/proc/self/status", "Nothing:"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(probes_leave_nothing_behind),
		cmocka_unit_test(each_can_be_switched_off),
		cmocka_unit_test(children_tell_their_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
