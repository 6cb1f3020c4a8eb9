/* SPDX-License-Identifier: GPL-2.0 */
/*
 * timerfd: disarmed, armed far ahead (relative and absolute), expired with ticks to read, periodic and firing on.
 *
 * ignore: ^\d+/fds/7$ the periodic one ticks
 */
#include <fcntl.h>
#include <sys/timerfd.h>
#include <time.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct itimerspec none = { 0 }, far = { .it_value = { 5000, 5 } }, interval = { { 40, 7 }, { 4000, 0 } };
	struct itimerspec soon = { .it_value = { 0, 1000 } }, period = { { 0, 30000000 }, { 0, 30000000 } }, now,
			  absolute = { 0 };
	int off, rel, abs, expired, ticking;
	uint64_t ticks;

	test_init(argc, argv);
	off = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	CHECK_EQ(off, 3);
	rel = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	MUST(timerfd_settime(rel, 0, &far, NULL));
	abs = MUST(timerfd_create(CLOCK_REALTIME, 0));
	clock_gettime(CLOCK_REALTIME, &absolute.it_value);
	absolute.it_value.tv_sec += 4000;
	absolute.it_interval = interval.it_interval;
	MUST(timerfd_settime(abs, TFD_TIMER_ABSTIME, &absolute, NULL));
	expired = MUST(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK));
	MUST(timerfd_settime(expired, 0, &soon, NULL));
	ticking = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	CHECK_EQ(ticking, 7);
	MUST(timerfd_settime(ticking, 0, &period, NULL));
	test_msleep(20);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(timerfd_settime(rel, 0, &none, NULL));
	MUST(timerfd_gettime(off, &now));
	CHECK(!now.it_value.tv_sec && !now.it_value.tv_nsec);
	CHECK(read(off, &ticks, 8) == -1 && errno == EAGAIN);
	MUST(timerfd_gettime(rel, &now));
	CHECK(now.it_value.tv_sec > 4800 && now.it_value.tv_sec <= 5000);
	CHECK(!now.it_interval.tv_sec && !now.it_interval.tv_nsec);
	MUST(timerfd_gettime(abs, &now));
	CHECK(now.it_value.tv_sec > 3800 && now.it_value.tv_sec <= 4000);
	CHECK(now.it_interval.tv_sec == 40 && now.it_interval.tv_nsec == 7);
	CHECK_EQ(read(expired, &ticks, 8), 8);
	CHECK_EQ(ticks, 1);
	CHECK(read(expired, &ticks, 8) == -1 && errno == EAGAIN);
	CHECK_EQ(read(ticking, &ticks, 8), 8);
	CHECK(ticks >= 1);
	CHECK_EQ(read(ticking, &ticks, 8), 8);
	pass();
}
