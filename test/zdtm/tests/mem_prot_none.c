/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address space that is only reserved: 64 GiB without access (as Java and Go do), with some islands in use.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (64ul << 30)

int main(int argc, char **argv)
{
	char *mem;
	int i;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	for (i = 0; i < 8; i++) {
		MUST(mprotect(mem + i * (SIZE / 8), 3 * TEST_PAGE, PROT_READ | PROT_WRITE));
		test_fill(mem + i * (SIZE / 8), 3 * TEST_PAGE, i);
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[SIZE / 8 * 7]++;
	for (i = 0; i < 8; i++)
		test_verify(mem + i * (SIZE / 8), 3 * TEST_PAGE, i);
	MUST(mprotect(mem + TEST_PAGE * 100, TEST_PAGE, PROT_READ | PROT_WRITE));
	test_verify_bytes(mem + TEST_PAGE * 100, TEST_PAGE, 0);
	pass();
}
