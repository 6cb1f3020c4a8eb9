/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A child that traces its parent, and holds a sibling in a ptrace stop: refused by name, and both stay its tracees.
 *
 * expect: refused is traced by process
 * ignore: ^\d+/status/TracerPid$ this is the point
 */
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "zdtm.h"

static void trace(pid_t parent, pid_t sibling, struct test_sync *sync)
{
	int status;

	MUST(ptrace(PTRACE_SEIZE, parent, 0, 0));
	MUST(ptrace(PTRACE_SEIZE, sibling, 0, 0));
	MUST(ptrace(PTRACE_INTERRUPT, sibling, 0, 0));
	CHECK_EQ(waitpid(sibling, &status, __WALL), sibling);
	CHECK(WIFSTOPPED(status));
	test_sync_done(sync);
	test_wait_polling();

	MUST(ptrace(PTRACE_PEEKUSER, sibling, 0, 0));
	MUST(ptrace(PTRACE_DETACH, sibling, 0, 0));
	MUST(ptrace(PTRACE_INTERRUPT, parent, 0, 0));
	while (waitpid(parent, &status, __WALL) < 0 && errno == EINTR)
		continue;
	CHECK(WIFSTOPPED(status));
	MUST(ptrace(PTRACE_DETACH, parent, 0, 0));
	_exit(0);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t sibling, tracer;

	test_init(argc, argv);
	test_sync_init(&sync);
	sibling = MUST(fork());
	if (!sibling) {
		pause();
		_exit(0);
	}
	tracer = MUST(fork());
	if (!tracer)
		trace(getppid(), sibling, &sync);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait_polling();

	test_reap(tracer);
	MUST(kill(sibling, SIGKILL));
	test_reap_status(sibling, SIGKILL);
	pass();
}
