/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A task that waits in vfork(2) for its child is refused, soon and by name, and goes on.
 *
 * expect: refused waits in vfork.2. for its child
 */
#include <sys/wait.h>

#include "zdtm.h"

/* On the stack that both share. */
static void child(void)
{
	test_ready_by_child();
	test_wait_polling();
	_exit(3);
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	test_init(argc, argv);
	pid = vfork();
	if (!pid)
		child();
	MUST(waitpid(pid, &status, 0));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	pass();
}
