/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A periodic real-time timer whose signal is pending while dumped: it isn't lost and the timer goes on firing.
 *
 * The kernel arms such a timer again when its signal is taken, so until then getitimer(2) tells an interval but
 * no remaining time.
 */
#include <sys/time.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct itimerval in = { .it_interval = { 0, 20000 }, .it_value = { 0, 1000 } }, now;
	struct timespec limit = { 3, 0 };
	sigset_t set;
	int i;

	test_init(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	MUST(setitimer(ITIMER_REAL, &in, NULL));
	test_msleep(50);
	MUST(getitimer(ITIMER_REAL, &now));
	CHECK(!now.it_value.tv_sec && !now.it_value.tv_usec && now.it_interval.tv_usec == 20000);

	test_ready();
	test_wait();

	if (test_sabotage())
		alarm(0);
	for (i = 0; i < 5; i++)
		if (sigtimedwait(&set, NULL, &limit) != SIGALRM)
			fail("signal %d doesn't come", i);
	MUST(getitimer(ITIMER_REAL, &now));
	CHECK_EQ(now.it_interval.tv_usec, 20000);
	pass();
}
