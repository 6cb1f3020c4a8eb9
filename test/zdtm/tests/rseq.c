/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Restartable sequences: the registration of each thread is there and the kernel goes on updating it.
 */
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include "zdtm.h"

static atomic_int started;

static volatile struct rseq *mine(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static void check(void)
{
	cpu_set_t all, one;
	unsigned int cpu;

	MUST(sched_getaffinity(0, sizeof(all), &all));
	for (cpu = 0; cpu < 64; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		MUST(sched_setaffinity(0, sizeof(one), &one));
		sched_yield();
		CHECK_EQ((int)mine()->cpu_id, cpu);
	}
	MUST(sched_setaffinity(0, sizeof(all), &all));
	/* Registered already: the same again is refused with EBUSY, another with EINVAL. */
	CHECK(syscall(SYS_rseq, mine(), 32, 0, RSEQ_SIG) == -1 && errno == EBUSY);
}

static void *body(void *arg)
{
	atomic_store(&started, 1);
	test_wait_polling();
	check();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	test_init(argc, argv);
	if (!__rseq_size)
		skip("the C library has no rseq registered");
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(syscall(SYS_rseq, mine(), 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
	check();
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pass();
}
