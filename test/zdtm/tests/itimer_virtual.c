/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual interval timer counts CPU time only: it keeps what remains, and fires once the task has burnt it.
 */
#include <sys/time.h>

#include "zdtm.h"

static volatile sig_atomic_t fired;

static void on_timer(int sig)
{
	fired++;
}

int main(int argc, char **argv)
{
	struct itimerval in = { .it_interval = { 5, 4000 }, .it_value = { 0, 300000 } }, now;
	uint64_t end;

	test_init(argc, argv);
	signal(SIGVTALRM, on_timer);
	MUST(setitimer(ITIMER_VIRTUAL, &in, NULL));

	test_ready();
	test_wait();

	CHECK_EQ(fired, 0);
	MUST(getitimer(ITIMER_VIRTUAL, &now));
	CHECK_EQ(now.it_interval.tv_sec, 5);
	CHECK_EQ(now.it_interval.tv_usec, 4000);
	/* The kernel adds a tick whenever the timer is set. */
	if (now.it_value.tv_sec || now.it_value.tv_usec > 400000 || now.it_value.tv_usec <= 1000)
		fail("%ld.%06ld s remain", (long)now.it_value.tv_sec, (long)now.it_value.tv_usec);
	if (test_sabotage()) {
		struct itimerval off = { { 0 } };

		MUST(setitimer(ITIMER_VIRTUAL, &off, NULL));
	}
	end = test_now() + 5000000000ull;
	while (!fired && test_now() < end)
		;
	CHECK_EQ(fired, 1);
	MUST(getitimer(ITIMER_VIRTUAL, &now));
	CHECK(now.it_value.tv_sec == 4 || now.it_value.tv_sec == 5);
	pass();
}
