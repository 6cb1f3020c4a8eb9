/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that shares its memory with its grandparent, while its parent has called execve(2) since, is refused: only
 * who has the memory can make such a child.
 *
 * expect: refused share their memory, which a restore can't pass on
 */
#include "sharing.h"

static volatile int value, ready;

static int in_grandkid(void *arg)
{
	take_step(&ready);
	while (!test_go())
		usleep(5000);
	value = 5;
	_exit(0);
}

static int in_kid(void *arg)
{
	clone_on_stack(in_grandkid, CLONE_VM | SIGCHLD);
	wait_step(&ready, 1);
	execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(1);
}

int main(int argc, char **argv)
{
	char name[64] = "";
	pid_t kid;

	test_init(argc, argv);
	kid = clone_on_stack(in_kid, CLONE_VM | SIGCHLD);
	wait_step(&ready, 1);
	while (strcmp(name, "sleep"))
		test_status(kid, "Name", name, sizeof(name));

	test_ready();
	test_wait();

	wait_step(&value, 5);
	MUST(kill(kid, SIGKILL));
	test_reap_status(kid, SIGKILL);
	pass();
}
