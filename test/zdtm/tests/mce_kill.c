/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The policy on broken memory (PR_MCE_KILL), each thread its own.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "zdtm.h"

static atomic_int started, end;

static void *body(void *arg)
{
	MUST(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0));
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	CHECK_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_LATE);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	test_init(argc, argv);
	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) < 0)
		skip("no PR_MCE_KILL: %s", strerror(errno));
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
	CHECK_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_EARLY);
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pass();
}
