/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Robust mutexes: a thread and a process that die after the restore leave theirs as "owner died".
 *
 * The kernel knows of them by the list that each thread registered.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "zdtm.h"

static pthread_mutex_t *shared, own;
static atomic_int nr_started;

static void make(pthread_mutex_t *mutex, int pshared)
{
	pthread_mutexattr_t attr;

	CHECK_EQ(pthread_mutexattr_init(&attr), 0);
	CHECK_EQ(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutexattr_setpshared(&attr, pshared), 0);
	CHECK_EQ(pthread_mutex_init(mutex, &attr), 0);
}

static void *body(void *arg)
{
	CHECK_EQ(pthread_mutex_lock(&own), 0);
	atomic_fetch_add(&nr_started, 1);
	test_wait_polling();
	if (test_sabotage())
		pthread_mutex_unlock(&own);
	return NULL; /* holding it */
}

int main(int argc, char **argv)
{
	void *head_before, *head_after;
	struct test_sync sync;
	pthread_t thread;
	size_t len;
	pid_t kid;

	test_init(argc, argv);
	shared = MUST(
		(pthread_mutex_t *)mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	make(shared, PTHREAD_PROCESS_SHARED);
	make(&own, PTHREAD_PROCESS_PRIVATE);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		CHECK_EQ(pthread_mutex_lock(shared), 0);
		test_sync_done(&sync);
		test_wait_polling();
		_exit(0); /* holding it */
	}
	test_sync_wait(&sync, 1);
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&nr_started))
		test_msleep(2);
	MUST(syscall(SYS_get_robust_list, 0, &head_before, &len));

	test_ready();
	test_wait();

	MUST(syscall(SYS_get_robust_list, 0, &head_after, &len));
	CHECK(head_before == head_after);
	CHECK_EQ(pthread_mutex_lock(&own), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(&own), 0);
	CHECK_EQ(pthread_mutex_unlock(&own), 0);
	CHECK_EQ(pthread_mutex_lock(shared), EOWNERDEAD);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	test_reap(kid);
	pass();
}
