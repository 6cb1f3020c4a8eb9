/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory locked on fault (MLOCK_ONFAULT) is refused.
 *
 * expect: refused MLOCK_ONFAULT
 */
#include <sys/mman.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char *p;

	test_init(argc, argv);
	p = MUST((char *)mmap(NULL, 4 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	MUST(mlock2(p, 4 * TEST_PAGE, MLOCK_ONFAULT));

	test_ready();
	test_wait();

	MUST(munlock(p, 4 * TEST_PAGE));
	pass();
}
