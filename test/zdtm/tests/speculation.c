/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Control of speculation (PR_SET_SPECULATION_CTRL), each thread its own: store bypass, indirect branches.
 */
#include <linux/prctl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "zdtm.h"

static atomic_int started, end;
static int which;

static int get(void)
{
	return prctl(PR_GET_SPECULATION_CTRL, which, 0, 0, 0);
}

static void set(int value)
{
	MUST(prctl(PR_SET_SPECULATION_CTRL, which, value, 0, 0));
}

static void *body(void *arg)
{
	set(PR_SPEC_FORCE_DISABLE);
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	CHECK_EQ(get(), PR_SPEC_PRCTL | PR_SPEC_FORCE_DISABLE);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	test_init(argc, argv);
	while (which < 2 && get() != (PR_SPEC_PRCTL | PR_SPEC_ENABLE))
		which++;
	if (which == 2)
		skip("this CPU has nothing to control");
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);
	set(PR_SPEC_DISABLE);

	test_ready();
	test_wait();

	if (test_sabotage())
		set(PR_SPEC_ENABLE);
	CHECK_EQ(get(), PR_SPEC_PRCTL | PR_SPEC_DISABLE);
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pass();
}
