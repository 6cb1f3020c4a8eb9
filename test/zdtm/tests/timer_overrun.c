/* SPDX-License-Identifier: GPL-2.0 */
/*
 * timer_getoverrun(2) tells after a restore how many periods the last signal of a POSIX timer stood for.
 */
#include <time.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	/* Long enough that none comes meanwhile. */
	const long long period = 100000000000ll;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec spec = { .it_interval.tv_sec = period / 1000000000 }, left;
	struct timespec now, limit = { 5, 0 };
	timer_t timer;
	sigset_t set;

	test_init(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	MUST(timer_create(CLOCK_REALTIME, &event, &timer));
	MUST(clock_gettime(CLOCK_REALTIME, &now));
	spec.it_value.tv_sec = now.tv_sec - 1234 * spec.it_interval.tv_sec - 50;
	MUST(timer_settime(timer, TIMER_ABSTIME, &spec, NULL));
	CHECK_EQ(sigtimedwait(&set, NULL, &limit), SIGUSR1);
	CHECK_EQ(timer_getoverrun(timer), 1234);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(timer_settime(timer, 0, &spec, NULL));
	CHECK_EQ(timer_getoverrun(timer), 1234);
	MUST(timer_gettime(timer, &left));
	CHECK_EQ(left.it_interval.tv_sec, 100);
	CHECK(left.it_value.tv_sec < 50 && left.it_value.tv_sec > 0);
	limit.tv_sec = 0;
	CHECK_EQ(sigtimedwait(&set, NULL, &limit), -1);
	pass();
}
