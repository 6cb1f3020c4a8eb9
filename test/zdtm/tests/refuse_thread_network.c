/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread in a network namespace of its own is refused.
 *
 * expect: refused network namespace
 */
#include <pthread.h>
#include <sched.h>

#include "zdtm.h"

static volatile int ready;

static void *apart(void *arg)
{
	MUST(unshare(CLONE_NEWNET));
	ready = 1;
	test_wait_polling();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	test_init(argc, argv);
	CHECK(!pthread_create(&thread, NULL, apart, NULL));
	while (!ready)
		usleep(1000);

	test_ready();
	test_wait();

	CHECK(!pthread_join(thread, NULL));
	pass();
}
