/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The threads of a stopped process make no step until it goes on.
 *
 * Each counts as fast as it can; the counts are what they were when the process was stopped.
 */
#define NR 8

#include "counting.h"

int main(int argc, char **argv)
{
	uint64_t before[NR];
	pid_t kid;

	test_init(argc, argv);
	make_counts();
	kid = MUST(fork());
	if (kid == 0)
		count_until_cont();
	stop_counting(kid, SIGSTOP);
	memcpy(before, (void *)counts, sizeof(before));

	test_ready();
	test_wait();

	before[0] += test_sabotage();
	for (int i = 0; i < NR; i++)
		CHECK_EQ(counts[i], before[i]);
	MUST(kill(kid, SIGCONT));
	test_reap_status(kid, 23 << 8);
	pass();
}
