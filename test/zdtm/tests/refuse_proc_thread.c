/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file of /proc about a thread that isn't the first of its task is refused.
 *
 * expect: refused descriptor 3: a /proc file of a thread
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "zdtm.h"

static atomic_bool done;

static void *run(void *arg)
{
	MUST(open("/proc/thread-self/comm", O_RDONLY));
	while (!done)
		test_msleep(5);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char byte;

	test_init(argc, argv);
	CHECK(!pthread_create(&thread, NULL, run, NULL));
	while (fcntl(3, F_GETFD) < 0)
		test_msleep(1);

	test_ready();
	test_wait();

	CHECK_EQ(pread(3, &byte, 1, 0), 1);
	done = true;
	CHECK(!pthread_join(thread, NULL));
	pass();
}
