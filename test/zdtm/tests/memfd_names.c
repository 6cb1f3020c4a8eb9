/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of memfds that are long, odd, empty, or what the kernel itself puts behind them.
 */
#include <sys/mman.h>

#include "zdtm.h"

static char longest[250];
static const char *const names[] = { "", "a/b c", " (deleted)", "x (deleted)", "new\nline", "SYSV00000001", longest };
#define NR (sizeof(names) / sizeof(names[0]))

int main(int argc, char **argv)
{
	char path[32], link[300], want[300];
	int fds[NR];

	test_init(argc, argv);
	memset(longest, 'l', sizeof(longest) - 1);
	for (size_t i = 0; i < NR; i++) {
		fds[i] = MUST(memfd_create(names[i], 0));
		CHECK_EQ(write(fds[i], &i, sizeof(i)), sizeof(i));
	}

	test_ready();
	test_wait();

	for (size_t i = 0; i < NR; i++) {
		size_t got;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[test_sabotage() ? NR - 1 - i : i]);
		link[MUST(readlink(path, link, sizeof(link) - 1))] = '\0';
		snprintf(want, sizeof(want), "/memfd:%s (deleted)", names[i]);
		CHECK(!strcmp(link, want));
		CHECK_EQ(pread(fds[i], &got, sizeof(got), 0), sizeof(got));
		CHECK_EQ(got, i);
	}
	pass();
}
