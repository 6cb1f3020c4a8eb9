/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Three processes that share memory and signal handlers (CLONE_SIGHAND), the last one descriptors and directories as
 * well: a handler that one sets runs in the others. A fourth shares the memory, but has handlers of its own.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sharing.h"

static volatile int ready, steps[4], caught[2];
static volatile pid_t by[2];

static void on_usr1(int sig)
{
	by[0] = getpid();
	caught[0]++;
}

static void on_usr2(int sig)
{
	by[1] = getpid();
	caught[1]++;
}

static int in_all(void *arg)
{
	take_step(&ready);
	wait_step(&steps[2], 1);
	MUST(dup2(1, 70));
	umask(0123);
	signal(SIGUSR2, on_usr2);
	steps[2]++;
	wait_step(&steps[2], 3);
	_exit(0);
}

static int in_kid(void *arg)
{
	pid_t kid = clone_on_stack(in_all, CLONE_VM | CLONE_SIGHAND | CLONE_FILES | CLONE_FS | SIGCHLD);

	signal(SIGUSR1, on_usr1);
	take_step(&ready);
	wait_step(&steps[1], 1);
	steps[2] = 1;
	wait_step(&steps[2], 2);
	CHECK_EQ(fcntl(70, F_GETFD), 0);
	CHECK_EQ(umask(0), 0123);
	MUST(kill(kid, SIGUSR1));
	wait_step(&caught[0], 1);
	CHECK_EQ(by[0], kid);
	steps[2] = 3;
	test_reap(kid);
	steps[1]++;
	_exit(0);
}

static int in_other(void *arg)
{
	signal(SIGUSR2, SIG_IGN);
	take_step(&ready);
	wait_step(&steps[3], 1);
	MUST(raise(SIGUSR2));
	steps[3]++;
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sigaction action;
	pid_t kid, other;

	test_init(argc, argv);
	umask(022);
	kid = clone_on_stack(in_kid, CLONE_VM | CLONE_SIGHAND | SIGCHLD);
	other = clone_on_stack(in_other, CLONE_VM | SIGCHLD);
	wait_step(&ready, 3);

	test_ready();
	test_wait();

	steps[1] = 1;
	test_reap(kid);
	CHECK_EQ(steps[1], 2);
	CHECK_EQ(caught[0], 1);
	if (test_sabotage())
		signal(SIGUSR2, SIG_IGN);
	MUST(sigaction(SIGUSR1, NULL, &action));
	CHECK(action.sa_handler == on_usr1);
	MUST(raise(SIGUSR2));
	CHECK_EQ(caught[1], 1);
	CHECK_EQ(by[1], getpid());
	steps[3] = 1;
	test_reap(other);
	CHECK_EQ(caught[1], 1);
	CHECK_EQ(umask(0), 022);
	CHECK_EQ(fcntl(70, F_GETFD), -1);
	pass();
}
