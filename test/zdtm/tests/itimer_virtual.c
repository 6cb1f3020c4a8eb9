/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual interval timer counts CPU time only: it keeps what remains, and fires once the task has burnt it.
 */
#include "itimer_cpu.h"

int main(int argc, char **argv)
{
	struct itimerval off = { { 0 } };

	test_init(argc, argv);
	start_itimer(ITIMER_VIRTUAL, SIGVTALRM);

	test_ready();
	test_wait();

	check_itimer_remains(ITIMER_VIRTUAL);
	if (test_sabotage())
		MUST(setitimer(ITIMER_VIRTUAL, &off, NULL));
	check_itimer_fires(ITIMER_VIRTUAL);
	pass();
}
