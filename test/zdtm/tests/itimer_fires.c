/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A periodic real-time timer goes on firing after the restore.
 *
 * ignore: status/ShdPnd on a busy machine its signal waits for a moment
 */
#include <sys/time.h>

#include "zdtm.h"

static volatile sig_atomic_t fired;

static void on_alarm(int sig)
{
	fired++;
}

int main(int argc, char **argv)
{
	struct itimerval in = { .it_interval = { 0, 20000 }, .it_value = { 0, 20000 } };
	uint64_t end;
	int before;

	test_init(argc, argv);
	signal(SIGALRM, on_alarm);
	MUST(setitimer(ITIMER_REAL, &in, NULL));

	test_ready();
	test_wait();

	if (test_sabotage())
		alarm(0);
	before = fired;
	end = test_now() + 3000000000ull;
	while (fired < before + 5 && test_now() < end)
		test_msleep(10);
	if (fired < before + 5)
		fail("it fired %d times in 3 s", fired - before);
	pass();
}
