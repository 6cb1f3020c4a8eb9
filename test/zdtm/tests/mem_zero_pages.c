/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages that were only read (the kernel's zero page) and pages that were written with zeros: all read zero, all can be
 * written.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (512 * TEST_PAGE)

int main(int argc, char **argv)
{
	volatile char *mem;
	size_t i;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (i = 0; i < SIZE / 2; i += TEST_PAGE)
		(void)mem[i];
	for (; i < SIZE; i += 2 * TEST_PAGE)
		mem[i] = 0;

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[SIZE - 1] = 1;
	test_verify_bytes((char *)mem, SIZE, 0);
	memset((char *)mem, 0x33, SIZE);
	test_verify_bytes((char *)mem, SIZE, 0x33);
	pass();
}
