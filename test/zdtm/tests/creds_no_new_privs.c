/* SPDX-License-Identifier: GPL-2.0 */
/*
 * no_new_privs, in a child and in one thread of the parent only.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "zdtm.h"

static atomic_int started, end;

static void *body(void *arg)
{
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(5);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	return NULL;
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pthread_t thread;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		test_sync_done(&sync);
		test_wait_polling();
		CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
		_exit(0);
	}
	test_sync_wait(&sync, 1);
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	test_reap(kid);
	pass();
}
