/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every resource limit, soft and hard, in a task that could not raise them again by itself.
 */
#include <sys/resource.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct rlimit before[RLIM_NLIMITS], now;
	unsigned int i;

	test_init(argc, argv);
	for (i = 0; i < RLIM_NLIMITS; i++) {
		MUST(getrlimit(i, &before[i]));
		if (before[i].rlim_max == RLIM_INFINITY)
			before[i].rlim_max = (1ull << 40) + i * 4096;
		else if (before[i].rlim_max > 100)
			before[i].rlim_max -= i;
		if (before[i].rlim_cur > before[i].rlim_max || before[i].rlim_cur == RLIM_INFINITY)
			before[i].rlim_cur = before[i].rlim_max - (before[i].rlim_max > i ? i : 0);
		MUST(setrlimit(i, &before[i]));
	}
	MUST(setresuid(1234, 1234, 1234));

	test_ready();
	test_wait();

	if (test_sabotage()) {
		now = before[RLIMIT_CORE];
		now.rlim_max = 0;
		now.rlim_cur = 0;
		before[RLIMIT_FSIZE].rlim_cur--;
	}
	for (i = 0; i < RLIM_NLIMITS; i++) {
		MUST(getrlimit(i, &now));
		if (now.rlim_cur != before[i].rlim_cur || now.rlim_max != before[i].rlim_max)
			fail("limit %u is %llu/%llu, not %llu/%llu", i, (long long)now.rlim_cur,
			     (long long)now.rlim_max, (long long)before[i].rlim_cur, (long long)before[i].rlim_max);
	}
	pass();
}
