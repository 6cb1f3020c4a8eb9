/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A part of a shared segment that no task has mapped any more keeps its content, and comes into sight by mremap.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (16 * TEST_PAGE)

int main(int argc, char **argv)
{
	char *mem;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	test_fill(mem, SIZE, 4);
	MUST(munmap(mem + SIZE / 2, SIZE / 2));

	test_ready();
	test_wait();

	mem = MUST((char *)mremap(mem, SIZE / 2, SIZE, MREMAP_MAYMOVE));
	if (test_sabotage())
		mem[3]++;
	test_verify(mem, SIZE, 4);
	pass();
}
