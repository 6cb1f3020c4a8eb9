/* SPDX-License-Identifier: GPL-2.0 */
/*
 * POSIX timers of every clock keep number, clock, signal, value, interval and the time that is left.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>

#include "zdtm.h"

#define MAX_TIMERS 64
#define FAR	   1000
#define EVERY	   77

/* As the kernel sees them: its numbers. */
static int create(int clock, int notify, int signo, void *value)
{
	struct sigevent event = { .sigev_notify = notify, .sigev_signo = signo, .sigev_value.sival_ptr = value };
	int id;

	return syscall(SYS_timer_create, clock, &event, &id) ? -errno : id;
}

static void set(int id, time_t value, time_t interval)
{
	struct itimerspec spec = { { interval, 123456789 * !!interval }, { value, 0 } };

	MUST(syscall(SYS_timer_settime, id, 0, &spec, NULL));
}

static void get(int id, struct itimerspec *ret)
{
	MUST(syscall(SYS_timer_gettime, id, ret));
}

int main(int argc, char **argv)
{
	static const int clocks[] = { CLOCK_REALTIME,		CLOCK_MONOTONIC,
				      CLOCK_BOOTTIME,		CLOCK_TAI,
				      CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
				      CLOCK_REALTIME_ALARM,	CLOCK_BOOTTIME_ALARM };
	static const int notify[] = { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD };
	static char before[16384], after[16384];
	int ids[MAX_TIMERS], nr = 0, id, disarmed, last = 0, i;
	uint64_t begin;
	struct timespec limit = { 5, 0 };
	siginfo_t info;
	sigset_t mask;

	test_init(argc, argv);
	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN + 5);
	MUST(sigprocmask(SIG_BLOCK, &mask, NULL));
	for (i = 0; i < (int)(sizeof(clocks) / sizeof(clocks[0])) * 3; i++) {
		id = create(clocks[i / 3], notify[i % 3], SIGRTMIN + 3, (void *)(0x1234567890abul + i));
		/* Clocks that wake the machine are not everywhere. */
		if (id == -EOPNOTSUPP)
			continue;
		CHECK(id >= 0);
		ids[nr++] = id;
		/* Holes in the numbers. */
		id = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, NULL);
		MUST(syscall(SYS_timer_delete, id));
	}
	begin = test_now();
	for (i = 0; i < nr; i++)
		set(ids[i], FAR + i, i % 2 ? EVERY + i : 0);
	disarmed = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, NULL);
	last = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 5, (void *)0xabcdef);
	set(last, FAR, 1);
	test_read_file("/proc/self/timers", before, sizeof(before));

	test_ready();
	test_wait();

	if (test_sabotage())
		set(ids[1], 5, 5);
	test_read_file("/proc/self/timers", after, sizeof(after));
	CHECK(!strcmp(before, after));
	for (i = 0; i < nr; i++) {
		struct itimerspec now;

		get(ids[i], &now);
		CHECK_EQ(now.it_interval.tv_sec, i % 2 ? EVERY + i : 0);
		CHECK_EQ(now.it_interval.tv_nsec, i % 2 ? 123456789 : 0);
		CHECK(now.it_value.tv_sec < FAR + i);
		CHECK(now.it_value.tv_sec >= FAR + i - 1 - (time_t)((test_now() - begin) / 1000000000));
	}
	{
		struct itimerspec now;

		get(disarmed, &now);
		CHECK(!now.it_value.tv_sec && !now.it_value.tv_nsec && !now.it_interval.tv_sec);
	}
	/* It still works, and tells who it is. */
	CHECK(syscall(SYS_timer_settime, last, 0,
		      &(struct itimerspec){ .it_value.tv_nsec = 1000000, .it_interval.tv_sec = 0 }, NULL) == 0);
	CHECK_EQ(sigtimedwait(&mask, &info, &limit), SIGRTMIN + 5);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_timerid, last);
	CHECK_EQ((uintptr_t)info.si_value.sival_ptr, 0xabcdef);
	/* New ones come after those that were there. */
	id = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, NULL);
	CHECK(id > last);
	pass();
}
