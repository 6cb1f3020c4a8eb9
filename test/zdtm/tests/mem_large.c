/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 256 MiB of private anonymous memory in one area, every byte of it.
 *
 * timeout: 60
 */
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (256ul << 20)

int main(int argc, char **argv)
{
	char *mem;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	test_fill(mem, SIZE, 77);

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[SIZE - 4097] ^= 4;
	test_verify(mem, SIZE, 77);
	pass();
}
