/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread with access to I/O ports (ioperm(2)) is refused.
 *
 * expect: refused ioperm
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/io.h>

#include "zdtm.h"

static atomic_int started, end;

static void *body(void *arg)
{
	atomic_store(&started, ioperm(0x80, 1, 1) ? -errno : 1);
	while (!atomic_load(&end))
		test_msleep(3);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	test_init(argc, argv);
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);
	if (atomic_load(&started) < 0)
		skip("no I/O ports: %s", strerror(-atomic_load(&started)));

	test_ready();
	test_wait();

	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pass();
}
