/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Transparent huge pages: content of an area that uses them, also one split by mprotect in the middle.
 *
 * needs: file:/sys/kernel/mm/transparent_hugepage/enabled
 */
#include <sys/mman.h>

#include "zdtm.h"

#define HUGE (2ul << 20)
#define SIZE (6 * HUGE)

int main(int argc, char **argv)
{
	char *mem;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, SIZE + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	mem = (char *)(((uintptr_t)mem + HUGE - 1) & ~(HUGE - 1));
	MUST(madvise(mem, SIZE, MADV_HUGEPAGE));
	test_fill(mem, SIZE - HUGE, 1);
	MUST(mprotect(mem + HUGE + 5 * TEST_PAGE, 3 * TEST_PAGE, PROT_READ));
	MUST(madvise(mem + 2 * HUGE + 7 * TEST_PAGE, TEST_PAGE, MADV_DONTNEED));
	test_fill(mem + 2 * HUGE + 7 * TEST_PAGE, TEST_PAGE, 2);

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[HUGE - 1]++;
	test_verify(mem + 2 * HUGE + 7 * TEST_PAGE, TEST_PAGE, 2);
	{
		char *want = malloc(SIZE - HUGE);

		CHECK(want);
		test_fill(want, SIZE - HUGE, 1);
		memcpy(want + 2 * HUGE + 7 * TEST_PAGE, mem + 2 * HUGE + 7 * TEST_PAGE, TEST_PAGE);
		CHECK_MEM(mem, want, SIZE - HUGE);
		free(want);
	}
	test_verify_bytes(mem + SIZE - HUGE, HUGE, 0);
	pass();
}
