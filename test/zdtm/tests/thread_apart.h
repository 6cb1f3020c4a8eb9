/* SPDX-License-Identifier: GPL-2.0 */
/* A thread that has something of its own that threads usually share: unshare(2). */
#ifndef THREAD_APART_H
#define THREAD_APART_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "zdtm.h"

static atomic_int apart;

static inline void *unshare_and_wait(void *flag)
{
	MUST(unshare(*(int *)flag));
	apart = 1;
	test_wait_polling();
	return NULL;
}

/* FLAG: a CLONE_*. */
static inline void run_thread_apart(int argc, char **argv, int flag)
{
	pthread_t thread;

	test_init(argc, argv);
	CHECK(!pthread_create(&thread, NULL, unshare_and_wait, &flag));
	while (!apart)
		test_msleep(1);

	test_ready();
	test_wait();

	CHECK(!pthread_join(thread, NULL));
	pass();
}

#endif
