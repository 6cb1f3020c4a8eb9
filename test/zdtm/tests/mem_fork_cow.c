/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that children inherited by fork: pages still shared copy-on-write, pages that one side has changed.
 *
 * Afterwards a write of one is not seen by the others.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define PAGES 64
#define SIZE  (PAGES * TEST_PAGE)

static char *mem;

static void check(int who)
{
	int p;

	for (p = 0; p < PAGES; p++)
		test_verify(mem + p * TEST_PAGE, TEST_PAGE, p % 4 == who ? 1000 + who * PAGES + p : p);
}

static void change(int who)
{
	int p;

	for (p = 0; p < PAGES; p++)
		if (p % 4 == who)
			test_fill(mem + p * TEST_PAGE, TEST_PAGE, 1000 + who * PAGES + p);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t kid, grand;
	int p;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (p = 0; p < PAGES; p++)
		test_fill(mem + p * TEST_PAGE, TEST_PAGE, p);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		grand = MUST(fork());
		if (grand == 0) {
			change(2);
			test_sync_done(&sync);
			test_wait_polling();
			check(2);
			memset(mem, 2, SIZE);
			_exit(0);
		}
		change(1);
		test_sync_done(&sync);
		test_wait_polling();
		check(1);
		memset(mem, 1, SIZE / 2);
		test_reap(grand);
		test_verify_bytes(mem, SIZE / 2, 1);
		_exit(0);
	}
	change(0);
	test_sync_wait(&sync, 2);

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[5]++;
	check(0);
	test_reap(kid);
	check(0);
	pass();
}
