/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The main stack grows on after the restore, down to its limit and not through the gap above another area.
 */
#include <sys/resource.h>

#include "zdtm.h"

static int __attribute__((noinline)) deep(int left)
{
	volatile char frame[64 << 10];

	frame[0] = left;
	frame[sizeof(frame) - 1] = left;
	if (left)
		deep(left - 1);
	return frame[0] + frame[sizeof(frame) - 1];
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	char here[3 * TEST_PAGE];

	test_init(argc, argv);
	MUST(getrlimit(RLIMIT_STACK, &limit));
	if (limit.rlim_cur < 8 << 20)
		skip("the stack is limited to %ld", (long)limit.rlim_cur);
	test_fill(here, sizeof(here), 6);

	test_ready();
	test_wait();

	if (test_sabotage())
		here[0]++;
	CHECK_EQ(deep(100) & 0, 0); /* 6.4 MiB, of 8 */
	test_verify(here, sizeof(here), 6);
	pass();
}
