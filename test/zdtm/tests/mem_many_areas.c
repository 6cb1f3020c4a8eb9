/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 2,000 areas, with different protections, sizes and content.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define NR 2000

int main(int argc, char **argv)
{
	static const int prots[4] = { PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE, PROT_READ | PROT_EXEC };
	char *mem, *at;
	int i;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, NR * 4 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (i = 0; i < NR; i++) {
		at = mem + i * 4 * TEST_PAGE;
		test_fill(at, TEST_PAGE * (i % 3 + 1), i);
		MUST(munmap(at + 3 * TEST_PAGE, TEST_PAGE));
		MUST(mprotect(at, 3 * TEST_PAGE, prots[i % 4]));
	}

	test_ready();
	test_wait();

	for (i = 0; i < NR; i++) {
		at = mem + i * 4 * TEST_PAGE;
		MUST(mprotect(at, 3 * TEST_PAGE, PROT_READ | PROT_WRITE));
		if (test_sabotage() && i == 999)
			at[11]++;
		test_verify(at, TEST_PAGE * (i % 3 + 1), i);
		test_verify_bytes(at + TEST_PAGE * (i % 3 + 1), TEST_PAGE * (2 - i % 3), 0);
	}
	pass();
}
