/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A child that shares its parent's memory, but is in the session of a sibling, is refused: it would have to be created
 * by way of a process in between.
 *
 * expect: refused share their memory, which a restore can't pass on
 */
#include "sharing.h"

static volatile int ready, go;

static int in_second(void *arg)
{
	take_step(&ready);
	wait_step(&go, 1);
	_exit(0);
}

static int in_first(void *arg)
{
	MUST(setsid());
	clone_on_stack(in_second, CLONE_VM | CLONE_PARENT | SIGCHLD);
	return in_second(arg);
}

int main(int argc, char **argv)
{
	pid_t kid;

	test_init(argc, argv);
	kid = clone_on_stack(in_first, CLONE_VM | SIGCHLD);
	wait_step(&ready, 2);

	test_ready();
	test_wait();

	go = 1;
	test_reap(kid);
	pass();
}
