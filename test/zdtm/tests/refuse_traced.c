/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A task that is being traced by another one can't be dumped: an error, and the tracer keeps it.
 *
 * expect: refused (trac|seize|permitted|attach)
 * ignore: ^\d+/status/TracerPid$ this is the point
 */
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int status;
	pid_t kid;

	test_init(argc, argv);
	kid = MUST(fork());
	if (kid == 0) {
		pause();
		_exit(0);
	}
	MUST(ptrace(PTRACE_SEIZE, kid, 0, 0));

	test_ready();
	test_wait();

	MUST(ptrace(PTRACE_INTERRUPT, kid, 0, 0));
	CHECK_EQ(waitpid(kid, &status, 0), kid);
	CHECK(WIFSTOPPED(status));
	MUST(ptrace(PTRACE_DETACH, kid, 0, 0));
	MUST(kill(kid, SIGKILL));
	test_reap_status(kid, SIGKILL);
	pass();
}
