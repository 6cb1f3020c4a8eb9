/* SPDX-License-Identifier: GPL-2.0 */
/*
 * After the restore memory is ordinary anonymous memory: given back with MADV_DONTNEED it reads zero, it can be
 * unmapped, moved, grown and forked.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (300 * TEST_PAGE)

int main(int argc, char **argv)
{
	char *mem, *moved;
	pid_t kid;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	test_fill(mem, SIZE, 1);

	test_ready();
	test_wait();

	test_verify(mem, SIZE, 1);
	if (!test_sabotage())
		MUST(madvise(mem, SIZE / 3, MADV_DONTNEED));
	test_verify_bytes(mem, SIZE / 3, 0);
	MUST(munmap(mem + SIZE / 3, TEST_PAGE));
	MUST(mmap(mem + SIZE / 3, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	test_verify_bytes(mem + SIZE / 3, TEST_PAGE, 0);
	test_fill(mem, SIZE, 2);
	moved = MUST((char *)mremap(mem + SIZE / 3 + TEST_PAGE, TEST_PAGE * 10, SIZE, MREMAP_MAYMOVE));
	test_verify_bytes(moved + TEST_PAGE * 10, SIZE - TEST_PAGE * 10, 0);
	kid = MUST(fork());
	if (kid == 0) {
		test_verify(mem, SIZE / 3, 2);
		MUST(madvise(mem, SIZE / 3, MADV_DONTNEED));
		test_verify_bytes(mem, SIZE / 3, 0);
		_exit(0);
	}
	test_reap(kid);
	test_verify(mem, SIZE / 3, 2);
	pass();
}
