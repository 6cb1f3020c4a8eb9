/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory locked on fault (MLOCK_ONFAULT): what was never touched is still not there, what is touched is locked.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define NR 8

static int nr_there(char *mem)
{
	unsigned char there[NR];
	int n = 0;

	MUST(mincore(mem, NR * TEST_PAGE, there));
	for (int i = 0; i < NR; i++)
		n += there[i] & 1;
	return n;
}

int main(int argc, char **argv)
{
	char *some, *all;

	test_init(argc, argv);
	some = MUST((char *)mmap(NULL, NR * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	/* Nothing between the two, so that the kernel keeps them apart. */
	MUST(mmap(NULL, TEST_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	all = MUST((char *)mmap(NULL, NR * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	MUST(mlock2(some, NR * TEST_PAGE, MLOCK_ONFAULT));
	MUST(mlock(all, NR * TEST_PAGE));
	test_fill(some + 2 * TEST_PAGE, TEST_PAGE, 3);

	test_ready();
	test_wait();

	if (test_sabotage())
		some[0] = 1;
	CHECK_EQ(nr_there(some), 1);
	CHECK_EQ(nr_there(all), NR);
	test_verify(some + 2 * TEST_PAGE, TEST_PAGE, 3);
	/* Only locked memory refuses this. */
	CHECK(madvise(some, TEST_PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
	pass();
}
