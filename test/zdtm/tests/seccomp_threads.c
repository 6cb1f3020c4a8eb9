/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads with seccomp filters of their own, on top of those they share: SECCOMP_FILTER_FLAG_TSYNC, which gives all
 * threads one's filters if those are on top of theirs, still can be asked for, and refuses as before.
 *
 * cflags: -pthread
 */
#include <pthread.h>

#include "seccomp.h"

/* Who they are: PLAIN came before any filter. */
enum { PLAIN, SAME, UPPER, UPPER_TOO, OTHER, NR };

static pthread_t threads[NR];
static volatile pid_t tids[NR];
static volatile int step, done;

static void *work(void *arg);

static void start(int who)
{
	CHECK(!pthread_create(&threads[who], NULL, work, (void *)(intptr_t)who));
	while (!tids[who])
		test_msleep(1);
}

static int error_of(int nr)
{
	errno = 0;
	return syscall(nr, 0, 0, 0) < 0 ? errno : 0;
}

static void check_filters(int who)
{
	CHECK_EQ(error_of(SYS_getpriority) == EXDEV, who != PLAIN);
	CHECK_EQ(error_of(SYS_getrusage) == E2BIG, who == UPPER || who == UPPER_TOO);
	CHECK_EQ(error_of(SYS_getitimer) == ENFILE, who == OTHER);
	CHECK_EQ(error_of(SYS_getgroups) == ENODEV, 0);
}

static void *work(void *arg)
{
	int who = (intptr_t)arg;
	long error;

	if (who == UPPER) {
		MUST(deny(SYS_getrusage, SECCOMP_RET_ERRNO | E2BIG, 0));
		start(UPPER_TOO);
	}
	if (who == OTHER)
		MUST(deny(SYS_getitimer, SECCOMP_RET_ERRNO | ENFILE, 0));
	tids[who] = syscall(SYS_gettid);
	test_wait_polling();
	while (step < 1)
		test_msleep(1);
	check_filters(who);
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
	while (step < (who == OTHER ? 3 : 2))
		test_msleep(1);
	if (who == UPPER) {
		/* OTHER has one that is not below. */
		CHECK_EQ(deny(SYS_getgroups, SECCOMP_RET_ERRNO | ENODEV, SECCOMP_FILTER_FLAG_TSYNC), tids[OTHER]);
		step = 3;
		CHECK(!pthread_join(threads[OTHER], NULL));
		/* Who is joined may still be on its way out of the process. */
		do
			error = deny(SYS_getgroups, SECCOMP_RET_ERRNO | ENODEV, SECCOMP_FILTER_FLAG_TSYNC);
		while (error == tids[OTHER]);
		CHECK_EQ(error, 0);
		step = 4;
	}
	if (who == OTHER)
		return NULL;
	while (step < 4)
		test_msleep(1);
	CHECK_EQ(error_of(SYS_getgroups), ENODEV);
	CHECK_EQ(error_of(SYS_getrusage), E2BIG);
	return NULL;
}

int main(int argc, char **argv)
{
	test_init(argc, argv);
	start(PLAIN);
	MUST(deny(SYS_getpriority, SECCOMP_RET_ERRNO | EXDEV, 0));
	start(SAME);
	start(UPPER);
	start(OTHER);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(deny(SYS_getrusage, SECCOMP_RET_ERRNO | EISDIR, 0));
	step = 1;
	while (done != NR)
		test_msleep(1);
	step = 2;
	for (int i = 0; i < NR; i++)
		if (i != OTHER)
			CHECK(!pthread_join(threads[i], NULL));
	CHECK_EQ(error_of(SYS_getgroups), ENODEV);
	CHECK_EQ(error_of(SYS_getrusage), E2BIG);
	pass();
}
