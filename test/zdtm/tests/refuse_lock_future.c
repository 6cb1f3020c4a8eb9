/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locking of all future memory (mlockall(2), MCL_FUTURE) is refused, and goes on.
 *
 * expect: refused mlockall
 */
#include <sys/mman.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	unsigned char there = 0;
	char *p;

	test_init(argc, argv);
	MUST(mlockall(MCL_FUTURE));

	test_ready();
	test_wait();

	p = MUST((char *)mmap(NULL, TEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	MUST(mincore(p, TEST_PAGE, &there));
	CHECK(there & 1);
	pass();
}
