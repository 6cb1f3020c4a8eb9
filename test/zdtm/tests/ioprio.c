/* SPDX-License-Identifier: GPL-2.0 */
/*
 * I/O priorities (ioprio_set(2)), each thread its own: idle, best effort, real-time, none.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "zdtm.h"

#define WHO_THREAD	  1
#define PRIO(class, data) ((class) << 13 | (data))

static const int prios[] = { PRIO(2, 6), PRIO(3, 0), PRIO(1, 3), 0 };
#define NR (int)(sizeof(prios) / sizeof(prios[0]))

static atomic_int started, end;

static void *body(void *arg)
{
	int prio = prios[(intptr_t)arg];

	if (prio)
		MUST(syscall(SYS_ioprio_set, WHO_THREAD, 0, prio));
	atomic_fetch_add(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	if (test_sabotage() && (intptr_t)arg == 1)
		MUST(syscall(SYS_ioprio_set, WHO_THREAD, 0, PRIO(2, 0)));
	/* One without is told as class 0; old kernels add a level. */
	CHECK_EQ(syscall(SYS_ioprio_get, WHO_THREAD, 0) & (prio ? ~0 : 7 << 13), prio);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[NR];

	test_init(argc, argv);
	for (int i = 1; i < NR; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, body, (void *)(intptr_t)i), 0);
	while (atomic_load(&started) < NR - 1)
		test_msleep(2);
	MUST(syscall(SYS_ioprio_set, WHO_THREAD, 0, prios[0]));

	test_ready();
	test_wait();

	atomic_store(&end, 1);
	for (int i = 1; i < NR; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(syscall(SYS_ioprio_get, WHO_THREAD, 0), prios[0]);
	pass();
}
