/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Timer slack (PR_SET_TIMERSLACK) of threads and children, and the default that each goes back to: its creator's.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "zdtm.h"

static atomic_int started, end;

static void check_slack(int now, int dfl)
{
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), now);
	MUST(prctl(PR_SET_TIMERSLACK, 0));
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), dfl);
}

static void *body(void *arg)
{
	MUST(prctl(PR_SET_TIMERSLACK, 7000));
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	if (test_sabotage())
		MUST(prctl(PR_SET_TIMERSLACK, 7001));
	check_slack(7000, 2000);
	return NULL;
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pthread_t thread;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync);
	MUST(prctl(PR_SET_TIMERSLACK, 1000));
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		check_slack(1000, 1000);
		_exit(0);
	}
	test_sync_wait(&sync, 1);
	MUST(prctl(PR_SET_TIMERSLACK, 2000));
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);
	MUST(prctl(PR_SET_TIMERSLACK, 3000));

	test_ready();
	test_wait();

	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	check_slack(3000, 50000);
	test_reap(kid);
	pass();
}
