/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thread beside the first: its id, its stack and its thread-local data.
 *
 * It sleeps on a condition variable, so the dump finds it in futex(2).
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "zdtm.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool started, end;
static __thread char tls[3000];

static void *body(void *arg)
{
	char stack[5000];
	int tid = syscall(SYS_gettid);

	test_fill(stack, sizeof(stack), 21);
	test_fill(tls, sizeof(tls), 22);
	pthread_mutex_lock(&lock);
	started = true;
	pthread_cond_broadcast(&cond);
	while (!end)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	if (test_sabotage())
		tls[1]++;
	test_verify(stack, sizeof(stack), 21);
	test_verify(tls, sizeof(tls), 22);
	CHECK_EQ(syscall(SYS_gettid), tid);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *ret;

	test_init(argc, argv);
	CHECK_EQ(pthread_create(&thread, NULL, body, tls), 0);
	pthread_mutex_lock(&lock);
	while (!started)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);

	test_ready();
	test_wait();

	pthread_mutex_lock(&lock);
	end = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	CHECK_EQ(pthread_join(thread, &ret), 0);
	CHECK(ret == tls);
	pass();
}
