/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The child subreaper attribute, and the signal a task wants when its parent dies.
 */
#include <sys/prctl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	int value = 0;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
		MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2));
		test_sync_done(&sync);
		test_wait_polling();
		if (test_sabotage())
			MUST(prctl(PR_SET_CHILD_SUBREAPER, 0));
		MUST(prctl(PR_GET_CHILD_SUBREAPER, &value));
		CHECK_EQ(value, 1);
		MUST(prctl(PR_GET_PDEATHSIG, &value));
		CHECK_EQ(value, SIGUSR2);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	MUST(prctl(PR_GET_CHILD_SUBREAPER, &value));
	CHECK_EQ(value, 0);
	test_reap(kid);
	pass();
}
