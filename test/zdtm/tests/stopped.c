/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stopped child is stopped after the restore, and goes on with SIGCONT.
 */
#include <sys/wait.h>

#include "zdtm.h"

static volatile sig_atomic_t continued;

static void on_cont(int sig)
{
	continued = 1;
}

int main(int argc, char **argv)
{
	char state[64];
	siginfo_t info;
	pid_t kid;

	test_init(argc, argv);
	kid = MUST(fork());
	if (kid == 0) {
		MUST(signal(SIGCONT, on_cont) == SIG_ERR ? -1 : 0);
		raise(SIGSTOP);
		CHECK(continued);
		_exit(23);
	}
	MUST(waitid(P_PID, kid, &info, WSTOPPED));
	CHECK_EQ(info.si_code, CLD_STOPPED);

	test_ready();
	test_wait();

	if (test_sabotage())
		kill(kid, SIGCONT);
	test_msleep(20);
	test_status(kid, "State", state, sizeof(state));
	if (state[0] != 'T')
		fail("the child's state is %s", state);
	MUST(kill(kid, SIGCONT));
	test_reap_status(kid, 23 << 8);
	pass();
}
