/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A timerfd that is set to a time of day expires at that time, and not later by the time from dump to restore; one that
 * should have expired meanwhile is counted.
 *
 * ignore: ^\d+/fds/[45]$ they tick
 */
#include <sys/timerfd.h>
#include <time.h>

#include "zdtm.h"

#define NSEC 1000000000ll

static long long now(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_REALTIME, &t));
	return t.tv_sec * NSEC + t.tv_nsec;
}

static int create(long long at, long long interval)
{
	struct itimerspec spec = { { interval / NSEC, interval % NSEC }, { at / NSEC, at % NSEC } };
	int fd = MUST(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));

	MUST(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL));
	return fd;
}

/* When it will expire, as near as that can be seen. */
static long long expires(int fd)
{
	long long best = NSEC, at = 0;

	for (int i = 0; i < 100; i++) {
		long long before = now(), after;
		struct itimerspec left;

		MUST(timerfd_gettime(fd, &left));
		after = now();
		if (after - before < best) {
			best = after - before;
			at = before + left.it_value.tv_sec * NSEC + left.it_value.tv_nsec;
		}
	}
	return at;
}

int main(int argc, char **argv)
{
	long long start = now(), far = start + 3000 * NSEC, off, least;
	int once, often, ticking;
	uint64_t ticks;

	test_init(argc, argv);
	once = create(far, 0);
	CHECK_EQ(once, 3);
	ticking = create(start + NSEC / 100, NSEC / 100);
	often = create(start, 1000 * NSEC);
	test_msleep(20);

	test_ready();
	test_wait();

	if (test_sabotage())
		once = create(far + NSEC / 10, 0);
	off = expires(once) - far;
	if (off < -100000 || off > 100000)
		fail("it expires %lld ns late", off);
	/* All periods from the start on. */
	least = (now() - start) / (NSEC / 100);
	CHECK_EQ(read(ticking, &ticks, sizeof(ticks)), sizeof(ticks));
	if ((long long)ticks < least - 1 || (long long)ticks > (now() - start) / (NSEC / 100) + 1)
		fail("%lld ticks, not %lld", (long long)ticks, least);
	CHECK_EQ(read(often, &ticks, sizeof(ticks)), sizeof(ticks));
	CHECK_EQ(ticks, 1);
	pass();
}
