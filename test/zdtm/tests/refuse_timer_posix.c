/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A POSIX timer is refused, and goes on.
 *
 * expect: refused POSIX timer
 */
#include <time.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct itimerspec at = { .it_value.tv_sec = 1000 };
	timer_t timer;

	test_init(argc, argv);
	MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer));
	MUST(timer_settime(timer, 0, &at, NULL));

	test_ready();
	test_wait();

	MUST(timer_gettime(timer, &at));
	CHECK(at.it_value.tv_sec > 0);
	pass();
}
