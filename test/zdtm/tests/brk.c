/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The program break: where it was, shrinks and grows on after the restore, and new memory reads zero.
 */
#include <sys/syscall.h>

#include "zdtm.h"

static uintptr_t brk_to(uintptr_t to)
{
	return syscall(SYS_brk, to);
}

int main(int argc, char **argv)
{
	uintptr_t start, now, size = 37 * TEST_PAGE + 100;

	test_init(argc, argv);
	start = (brk_to(0) + 4095) & ~4095ul;
	CHECK_EQ(brk_to(start + size), start + size);
	test_fill((void *)start, size, 8);

	test_ready();
	test_wait();

	if (test_sabotage())
		brk_to(start + size + 1);
	now = brk_to(0);
	CHECK_EQ(now, start + size);
	test_verify((void *)start, size, 8);
	CHECK_EQ(brk_to(start + 5 * TEST_PAGE), start + 5 * TEST_PAGE);
	CHECK_EQ(brk_to(start + 400 * TEST_PAGE), start + 400 * TEST_PAGE);
	test_verify_bytes((void *)(start + 5 * TEST_PAGE), 395 * TEST_PAGE, 0);
	pass();
}
