/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread that is an I/O flusher (PR_SET_IO_FLUSHER), the first one is none.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "zdtm.h"

#define PR_SET_FLUSHER 57
#define PR_GET_FLUSHER 58

static atomic_int started, end;

static void *body(void *arg)
{
	MUST(prctl(PR_SET_FLUSHER, 1, 0, 0, 0));
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	if (test_sabotage())
		MUST(prctl(PR_SET_FLUSHER, 0, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_FLUSHER, 0, 0, 0, 0), 1);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	test_init(argc, argv);
	if (prctl(PR_GET_FLUSHER, 0, 0, 0, 0) < 0)
		skip("it takes CAP_SYS_RESOURCE: %s", strerror(errno));
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);

	test_ready();
	test_wait();

	CHECK_EQ(prctl(PR_GET_FLUSHER, 0, 0, 0, 0), 0);
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pass();
}
