/* SPDX-License-Identifier: GPL-2.0 */
/* The body of threads_100 and threads_1000. */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "zdtm.h"

static atomic_int nr_started, go;
static __thread int mine;
static int tids[NR_THREADS];

static void *body(void *arg)
{
	int nr = (intptr_t)arg;
	char stack[512];

	mine = nr * 3 + 1;
	tids[nr] = syscall(SYS_gettid);
	test_fill(stack, sizeof(stack), nr);
	atomic_fetch_add(&nr_started, 1);
	while (!atomic_load(&go))
		syscall(SYS_futex, &go, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	if (test_sabotage() && nr == NR_THREADS / 2)
		mine++;
	CHECK_EQ(mine, nr * 3 + 1);
	CHECK_EQ(syscall(SYS_gettid), tids[nr]);
	test_verify(stack, sizeof(stack), nr);
	return &tids[nr];
}

int main(int argc, char **argv)
{
	pthread_t threads[NR_THREADS];
	pthread_attr_t attr;
	void *ret;
	int i;

	test_init(argc, argv);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 64 << 10), 0);
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], &attr, body, (void *)(intptr_t)i), 0);
	while (atomic_load(&nr_started) < NR_THREADS)
		test_msleep(2);

	test_ready();
	test_wait();

	atomic_store(&go, 1);
	syscall(SYS_futex, &go, FUTEX_WAKE_PRIVATE, NR_THREADS, NULL, NULL, 0);
	for (i = 0; i < NR_THREADS; i++) {
		CHECK_EQ(pthread_join(threads[i], &ret), 0);
		CHECK(ret == &tids[i]);
	}
	pass();
}
