/* SPDX-License-Identifier: GPL-2.0 */
/*
 * POSIX timers whose signal is pending while dumped: the periodic one goes on in step once it is taken, the other comes
 * once, and both in their place among queued signals.
 */
#include <time.h>

#include "zdtm.h"

#define PERIOD_NS 400000000ul

static timer_t create(int clock, int signo, int value)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signo, .sigev_value.sival_int = value };
	timer_t timer;

	MUST(timer_create(clock, &event, &timer));
	return timer;
}

static int take(int signo, siginfo_t *info, int ms)
{
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	memset(info, 0, sizeof(*info));
	return sigtimedwait(&set, info, &limit);
}

/* Burns CPU time of the process until the timer has sent its signal. */
static void wait_for(int signo)
{
	sigset_t set;

	do
		sigpending(&set);
	while (!sigismember(&set, signo));
}

int main(int argc, char **argv)
{
	struct itimerspec periodic = { { 0, PERIOD_NS }, { 0, 1000000 } }, once = { { 0, 0 }, { 0, 1000000 } }, left;
	const int first = SIGRTMIN + 1, second = SIGRTMIN + 2, cpu = SIGRTMIN + 3;
	timer_t every, single, work;
	siginfo_t info;
	sigset_t set;

	test_init(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, first);
	sigaddset(&set, second);
	sigaddset(&set, cpu);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	every = create(CLOCK_MONOTONIC, first, 11);
	single = create(CLOCK_REALTIME, second, 22);
	work = create(CLOCK_PROCESS_CPUTIME_ID, cpu, 33);

	MUST(sigqueue(getpid(), second, (union sigval){ 1 }));
	MUST(timer_settime(single, 0, &once, NULL));
	do
		MUST(timer_gettime(single, &left));
	while (left.it_value.tv_nsec);
	MUST(sigqueue(getpid(), second, (union sigval){ 2 }));
	MUST(timer_settime(work, 0, &once, NULL));
	wait_for(cpu);
	MUST(timer_settime(every, 0, &periodic, NULL));
	wait_for(first);

	test_ready();
	test_wait();

	if (test_sabotage())
		take(second, &info, 0);
	CHECK_EQ(take(second, &info, 0), second);
	CHECK_EQ(info.si_value.sival_int, 1);
	CHECK_EQ(info.si_code, SI_QUEUE);
	CHECK_EQ(take(second, &info, 0), second);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_value.sival_int, 22);
	CHECK_EQ(info.si_timerid, (int)(intptr_t)single);
	CHECK_EQ(take(second, &info, 0), second);
	CHECK_EQ(info.si_value.sival_int, 2);
	CHECK_EQ(take(second, &info, 0), -1);
	CHECK_EQ(timer_getoverrun(single), 0);

	CHECK_EQ(take(cpu, &info, 0), cpu);
	CHECK_EQ(info.si_value.sival_int, 33);
	CHECK_EQ(take(cpu, &info, 0), -1);

	/* Pending: its periods pass without further signals, and are counted. */
	test_msleep(2 * PERIOD_NS / 1000000);
	CHECK_EQ(take(first, &info, 0), first);
	CHECK_EQ(info.si_value.sival_int, 11);
	CHECK(info.si_overrun >= 2);
	CHECK_EQ(timer_getoverrun(every), info.si_overrun);
	MUST(timer_gettime(every, &left));
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= (long)PERIOD_NS);
	CHECK_EQ(left.it_interval.tv_nsec, PERIOD_NS);
	CHECK_EQ(take(first, &info, 5000), first);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_timerid, (int)(intptr_t)every);
	pass();
}
