/* SPDX-License-Identifier: GPL-2.0 */
/*
 * More memfds than criu itself may have descriptors at first.
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include "zdtm.h"

#define NR 1500

int main(int argc, char **argv)
{
	static int fds[NR];
	struct rlimit limit;

	test_init(argc, argv);
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_max < 2 * NR)
		skip("needs %d descriptors", 2 * NR);
	limit.rlim_cur = 2 * NR;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < NR; i++) {
		fds[i] = MUST(memfd_create("many", 0));
		CHECK_EQ(write(fds[i], &i, sizeof(i)), sizeof(i));
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(pwrite(fds[NR - 1], "x", 1, 0));
	for (int i = 0; i < NR; i++) {
		int got;

		CHECK_EQ(pread(fds[i], &got, sizeof(got), 0), sizeof(got));
		CHECK_EQ(got, i);
	}
	pass();
}
