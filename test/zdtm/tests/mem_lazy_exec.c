/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that execute another program or end, while pages of theirs may still have to come (--fam-restore=lazy),
 * take nothing from those that stay.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define PAGES 512
#define SIZE  (PAGES * TEST_PAGE)
#define KIDS  4

static char *mem;
static struct test_sync together;

/* One replaces its memory, one ends at once, one forks before it does, one looks at all of it. */
static void child(int which)
{
	char *argv[] = { "true", NULL };
	pid_t pid;

	mem[which * TEST_PAGE] ^= 1;
	test_sync_done(&together);
	test_wait_polling();
	switch (which) {
	case 0:
		execv("/bin/true", argv);
		fail("can't execute");
	case 1:
		_exit(0);
	case 2:
		pid = MUST(fork());
		if (pid)
			_exit(0);
		execv("/bin/true", argv);
		fail("can't execute");
	default:
		mem[which * TEST_PAGE] ^= 1;
		test_verify(mem, SIZE, 9);
		_exit(0);
	}
}

int main(int argc, char **argv)
{
	pid_t pids[KIDS];

	test_init(argc, argv);
	mem = MUST(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	test_fill(mem, SIZE, 9);
	test_sync_init(&together);
	for (int i = 0; i < KIDS; i++) {
		pids[i] = MUST(fork());
		if (!pids[i])
			child(i);
	}

	test_sync_wait(&together, KIDS);
	test_ready();
	test_wait();

	if (test_sabotage())
		mem[SIZE / 2]++;
	for (int i = 0; i < KIDS; i++)
		test_reap(pids[i]);
	test_verify(mem, SIZE, 9);
	pass();
}
