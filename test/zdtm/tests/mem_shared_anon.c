/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared anonymous memory between a parent and its children: content, and still shared.
 *
 * Two segments; one child has only a part of the second mapped, at another address; holes read zero.
 */
#include <stdatomic.h>
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (64 * TEST_PAGE)

static struct test_sync sync_all;
static char *one, *two;

static void child_one(void)
{
	test_sync_done(&sync_all);
	test_wait_polling();
	test_verify(one, SIZE / 2, 1);
	test_verify_bytes(one + SIZE / 2, SIZE / 4, 0);
	test_fill(one + SIZE / 2, SIZE / 4, 3);
	_exit(0);
}

static void child_two(void)
{
	char *moved;

	MUST(munmap(one, SIZE));
	moved = MUST((char *)mremap(two + 8 * TEST_PAGE, 16 * TEST_PAGE, 16 * TEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				    one + 10 * TEST_PAGE));
	MUST(munmap(two, 8 * TEST_PAGE));
	test_sync_done(&sync_all);
	test_wait_polling();
	while (!atomic_load((atomic_int *)(two + SIZE - 64)))
		test_msleep(2);
	test_verify(moved, 16 * TEST_PAGE, 9);
	test_fill(moved, 16 * TEST_PAGE, 10);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t kid[2];

	test_init(argc, argv);
	one = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	two = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	test_fill(one, SIZE / 2, 1);
	test_fill(two + 4 * TEST_PAGE, 100, 2);
	test_sync_init(&sync_all);
	kid[0] = MUST(fork());
	if (kid[0] == 0)
		child_one();
	kid[1] = MUST(fork());
	if (kid[1] == 0)
		child_two();
	test_sync_wait(&sync_all, 2);

	test_ready();
	test_wait();

	if (test_sabotage())
		one = MUST((char *)mmap(one, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
					0));
	test_verify(two + 4 * TEST_PAGE, 100, 2);
	test_fill(two + 8 * TEST_PAGE, 16 * TEST_PAGE, 9);
	atomic_store((atomic_int *)(two + SIZE - 64), 1);
	test_reap(kid[0]);
	test_reap(kid[1]);
	test_verify(one, SIZE / 2, 1);
	test_verify(one + SIZE / 2, SIZE / 4, 3);
	test_verify_bytes(one + SIZE / 4 * 3, SIZE / 4, 0);
	test_verify(two + 8 * TEST_PAGE, 16 * TEST_PAGE, 10);
	pass();
}
