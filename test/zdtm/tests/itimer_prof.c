/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The prof interval timer counts CPU time only: it keeps what remains, and fires once the task has burnt it.
 */
#include "itimer_cpu.h"

int main(int argc, char **argv)
{
	struct itimerval off = { { 0 } };

	test_init(argc, argv);
	start_itimer(ITIMER_PROF, SIGPROF);

	test_ready();
	test_wait();

	check_itimer_remains(ITIMER_PROF);
	if (test_sabotage())
		MUST(setitimer(ITIMER_PROF, &off, NULL));
	check_itimer_fires(ITIMER_PROF);
	pass();
}
