/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A task bound to one CPU stays bound to it.
 */
#include <sched.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	cpu_set_t one, now;

	test_init(argc, argv);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	MUST(sched_setaffinity(0, sizeof(one), &one));

	test_ready();
	test_wait();

	if (test_sabotage())
		CPU_SET(1000, &one);
	MUST(sched_getaffinity(0, sizeof(now), &now));
	CHECK(CPU_EQUAL(&one, &now));
	pass();
}
