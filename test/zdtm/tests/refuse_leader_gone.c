/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process whose first thread has ended, while another goes on, is refused.
 *
 * expect: refused leader thread has exited
 */
#include <pthread.h>

#include "zdtm.h"

static struct test_sync sync_point;

static void *go_on(void *arg)
{
	char state[16];

	for (;;) {
		test_status(getpid(), "State", state, sizeof(state));
		if (state[0] == 'Z')
			break;
		test_msleep(2);
	}
	test_sync_done(&sync_point);
	test_wait_polling();
	_exit(0);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync_point);
	kid = MUST(fork());
	if (kid == 0) {
		CHECK_EQ(pthread_create(&thread, NULL, go_on, NULL), 0);
		pthread_exit(NULL);
	}
	test_sync_wait(&sync_point, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	pass();
}
