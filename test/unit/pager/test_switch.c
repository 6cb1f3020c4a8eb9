/* SPDX-License-Identifier: GPL-2.0 */
/* The switch: who is armed is killed when the last holder is, and lives on when it was disarmed before. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pager/switch.h"

#define PATIENCE_S 5

enum ending { KILLED, DISARMED, FIRED };

static pid_t start_victim(bool group)
{
	pid_t pid = fork();

	if (pid) {
		setpgid(pid, group ? pid : 0);
		return pid;
	}
	alarm(PATIENCE_S);
	for (;;)
		pause();
}

/* Arms what it is told to, tells so, and ends as it is told. */
static void hold(pid_t victim, enum ending ending, int ready)
{
	struct kill_switch sw = { 0 };

	alarm(PATIENCE_S);
	if (dup2(ready, 20) < 0)
		_exit(1);
	syscall(SYS_close_range, SWITCH_LOWEST, 19, 0);
	if (switch_make(&sw) || switch_arm(&sw, victim) || !switch_has(&sw, victim))
		_exit(1);
	if (write(20, "x", 1) != 1)
		_exit(1);
	if (ending == DISARMED) {
		switch_disarm(&sw);
		_exit(0);
	}
	if (ending == FIRED)
		switch_fire(&sw);
	for (;;)
		pause();
}

/* The victim's wait status; SIGALRM: nobody has killed it. */
static int status_after(enum ending ending, bool group)
{
	int ready[2], status;
	pid_t victim, holder;
	char byte;

	assert_int_equal(pipe(ready), 0);
	victim = start_victim(group);
	holder = fork();
	if (!holder)
		hold(group ? -victim : victim, ending, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	if (ending == KILLED)
		kill(holder, SIGKILL);
	if (ending == DISARMED) {
		assert_int_equal(waitpid(holder, &status, 0), holder);
		kill(victim, SIGTERM);
	}
	assert_int_equal(waitpid(victim, &status, 0), victim);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	return WTERMSIG(status);
}

static void test_process(void **state)
{
	assert_int_equal(status_after(KILLED, false), SIGKILL);
	assert_int_equal(status_after(FIRED, false), SIGKILL);
	assert_int_equal(status_after(DISARMED, false), SIGTERM);
}

static void test_group(void **state)
{
	assert_int_equal(status_after(KILLED, true), SIGKILL);
	assert_int_equal(status_after(DISARMED, true), SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_process), cmocka_unit_test(test_group) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
