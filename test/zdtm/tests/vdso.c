/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vDSO works after the restore: every clock through it agrees with the system call, in parent and child.
 */
#include <sched.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "zdtm.h"

static int64_t ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

static void check(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME,	    CLOCK_MONOTONIC,	   CLOCK_BOOTTIME,
					    CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE, CLOCK_TAI,
					    CLOCK_MONOTONIC_RAW };
	struct timespec a, b, c;
	struct timeval tv;
	time_t now;
	int i, n;

	for (n = 0; n < 1000; n++)
		for (i = 0; i < (int)(sizeof(clocks) / sizeof(clocks[0])); i++) {
			MUST(syscall(SYS_clock_gettime, clocks[i], &a));
			MUST(clock_gettime(clocks[i], &b));
			MUST(syscall(SYS_clock_gettime, clocks[i], &c));
			if (ns(&b) < ns(&a) || ns(&c) < ns(&b))
				fail("clock %d: %lld %lld %lld", clocks[i], (long long)ns(&a), (long long)ns(&b),
				     (long long)ns(&c));
		}
	MUST(gettimeofday(&tv, NULL));
	/* time(2) is as coarse as the tick: it may still tell the second before. */
	now = time(NULL);
	CHECK(tv.tv_sec - now <= 1 && tv.tv_sec - now >= -1);
	CHECK(sched_getcpu() >= 0);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	unsigned long base;
	pid_t kid;

	test_init(argc, argv);
	base = getauxval(AT_SYSINFO_EHDR);
	check();
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		check();
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	check();
	if (base)
		CHECK_MEM((void *)base, "\177ELF", 4);
	test_reap(kid);
	pass();
}
