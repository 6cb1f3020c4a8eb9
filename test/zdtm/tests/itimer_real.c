/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The real-time interval timer: a long one keeps its remaining time and interval.
 */
#include <sys/time.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct itimerval in = { .it_interval = { 77, 123456 }, .it_value = { 3000, 0 } }, now;

	test_init(argc, argv);
	signal(SIGALRM, SIG_IGN);
	MUST(setitimer(ITIMER_REAL, &in, NULL));

	test_ready();
	test_wait();

	if (test_sabotage())
		alarm(0);
	MUST(getitimer(ITIMER_REAL, &now));
	CHECK_EQ(now.it_interval.tv_sec, 77);
	CHECK_EQ(now.it_interval.tv_usec, 123456);
	/* The clock may stand still while the task is away, so only "no more than before, and not much less". */
	CHECK(now.it_value.tv_sec < 3000 && now.it_value.tv_sec >= 2900);
	pass();
}
