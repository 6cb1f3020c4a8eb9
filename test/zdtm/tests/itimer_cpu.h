/* SPDX-License-Identifier: GPL-2.0 */
/* Interval timers that count CPU time: setitimer(2). */
#ifndef ITIMER_CPU_H
#define ITIMER_CPU_H

#include <sys/time.h>
#include <time.h>

#include "zdtm.h"

static volatile sig_atomic_t fired;

static inline void on_timer(int sig)
{
	fired++;
}

static inline void start_itimer(int which, int signo)
{
	const struct itimerval in = { .it_interval = { 50, 4000 }, .it_value = { 0, 300000 } };

	signal(signo, on_timer);
	MUST(setitimer(which, &in, NULL));
}

static inline void check_itimer_remains(int which)
{
	struct itimerval now;

	CHECK_EQ(fired, 0);
	MUST(getitimer(which, &now));
	CHECK_EQ(now.it_interval.tv_sec, 50);
	CHECK_EQ(now.it_interval.tv_usec, 4000);
	/* The kernel adds a tick whenever the timer is set. */
	if (now.it_value.tv_sec || now.it_value.tv_usec > 400000 || now.it_value.tv_usec <= 1000)
		fail("%ld.%06ld s remain", (long)now.it_value.tv_sec, (long)now.it_value.tv_usec);
}

/* Two seconds of CPU time are enough, however long they take. */
static inline void check_itimer_fires(int which)
{
	const clock_t began = clock();
	struct itimerval now;

	while (!fired && clock() - began < 2 * CLOCKS_PER_SEC)
		;
	CHECK_EQ(fired, 1);
	MUST(getitimer(which, &now));
	CHECK(now.it_value.tv_sec == 49 || now.it_value.tv_sec == 50);
}

#endif
