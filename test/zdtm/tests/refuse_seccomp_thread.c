/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strict seccomp of one thread alone is refused, and the thread lives.
 *
 * expect: refused seccomp .mode 1
 */
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "zdtm.h"

static int ends[2];
static volatile int ready;

static void *strict(void *arg)
{
	char byte;

	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	ready = 1;
	while (read(ends[0], &byte, 1) != 1)
		continue;
	ready = 2;
	syscall(SYS_exit, 0);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char byte = 'x';

	test_init(argc, argv);
	MUST(pipe(ends));
	CHECK(!pthread_create(&thread, NULL, strict, NULL));
	while (!ready)
		usleep(1000);

	test_ready();
	test_wait();

	CHECK_EQ(write(ends[1], &byte, 1), 1);
	while (ready != 2)
		usleep(1000);
	pass();
}
