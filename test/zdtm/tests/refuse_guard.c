/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guard region (MADV_GUARD_INSTALL) is refused.
 *
 * expect: refused guard
 */
#include <sys/mman.h>

#include "zdtm.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

int main(int argc, char **argv)
{
	int ends[2];
	char *p;

	test_init(argc, argv);
	p = MUST((char *)mmap(NULL, 4 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memset(p, 1, 4 * TEST_PAGE);
	if (madvise(p + TEST_PAGE, TEST_PAGE, MADV_GUARD_INSTALL) < 0)
		skip("no guard regions: %s", strerror(errno));
	MUST(pipe(ends));

	test_ready();
	test_wait();

	CHECK(write(ends[1], p + TEST_PAGE, 1) == -1 && errno == EFAULT);
	pass();
}
