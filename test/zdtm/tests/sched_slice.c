/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A scheduling slice that was asked for (sched_setattr(2)), a thread's own.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "zdtm.h"

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static atomic_int started, end;

static uint64_t get_slice(void)
{
	struct attr now = { 0 };

	MUST(syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0));
	return now.runtime;
}

static void set_slice(uint64_t slice)
{
	const struct attr attr = { .size = sizeof(attr), .runtime = slice };

	MUST(syscall(SYS_sched_setattr, 0, &attr, 0));
}

static void *body(void *arg)
{
	set_slice(40000000);
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	CHECK_EQ(get_slice(), 40000000);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t before;
	pthread_t thread;

	test_init(argc, argv);
	before = get_slice();
	set_slice(500000);
	if (get_slice() != 500000)
		skip("this kernel has no slices");
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);
	set_slice(0);
	CHECK_EQ(get_slice(), before);

	test_ready();
	test_wait();

	if (test_sabotage())
		set_slice(700000);
	CHECK_EQ(get_slice(), before);
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pass();
}
