/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory advised to use huge pages has them after the restore, where it had them; where a huge page had been split and
 * is there in part only, no more memory is taken than before. Read-only memory and one advised against them, too.
 *
 * needs: file:/sys/kernel/mm/transparent_hugepage/enabled
 * not-in: fam-lazy pages come one by one, and are small
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "zdtm.h"

#define HUGE	 (2ul << 20)
#define NR	 4 /* huge pages of each area */
#define NR_AREAS 3
#define SPLIT	 16 /* every so many pages of the last huge page are left */

static char text[256 << 10];

/* The value, in KiB, of KEY of the area at MEM. */
static long smaps(const char *mem, const char *key)
{
	char start[32];
	const char *at;

	test_read_file("/proc/self/smaps", text, sizeof(text));
	snprintf(start, sizeof(start), "%lx-", (unsigned long)mem);
	at = strstr(text, start);
	CHECK(at);
	at = strstr(at, key);
	CHECK(at);
	return atol(at + strlen(key));
}

/* By khugepaged, on the whole machine: what it joins may have been there in part. */
static long joined(void)
{
	test_read_file("/sys/kernel/mm/transparent_hugepage/khugepaged/pages_collapsed", text, sizeof(text));
	return atol(text);
}

/* A huge page has pages that hold nothing but zeros, too. */
static void fill(char *mem, int i)
{
	test_fill(mem, NR * HUGE, i);
	memset(mem + 3 * TEST_PAGE, 0, 5 * TEST_PAGE);
}

static char *map(int i)
{
	char *mem = MUST((char *)mmap(NULL, (NR + 2) * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	mem = (char *)(((uintptr_t)mem + HUGE - 1) & ~(HUGE - 1));
	MUST(mprotect(mem, NR * HUGE, PROT_READ | PROT_WRITE));
	MUST(madvise(mem, NR * HUGE, i == 2 ? MADV_NOHUGEPAGE : MADV_HUGEPAGE));
	fill(mem, i);
	for (size_t page = 0; page < HUGE / TEST_PAGE; page++)
		if (page % SPLIT)
			MUST(madvise(mem + (NR - 1) * HUGE + page * TEST_PAGE, TEST_PAGE, MADV_DONTNEED));
	if (i == 1)
		MUST(mprotect(mem, NR * HUGE, PROT_READ));
	return mem;
}

int main(int argc, char **argv)
{
	static char want[NR * HUGE];
	long huge[NR_AREAS], there[NR_AREAS], before, to_be_had;
	char *mem[NR_AREAS];

	test_init(argc, argv);
	before = joined();
	for (int i = 0; i < NR_AREAS; i++) {
		mem[i] = map(i);
		huge[i] = smaps(mem[i], "AnonHugePages:");
		there[i] = smaps(mem[i], "Rss:");
	}
	if (!huge[0])
		skip("no huge pages to be had");

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(madvise(mem[0], HUGE, MADV_DONTNEED));
	to_be_had = smaps(map(0), "AnonHugePages:"); /* by now */
	for (int i = 0; i < NR_AREAS; i++) {
		CHECK(smaps(mem[i], "AnonHugePages:") >= (huge[i] < to_be_had ? huge[i] : to_be_had));
		CHECK(smaps(mem[i], "Rss:") <= there[i] || joined() != before);
		fill(want, i);
		for (size_t page = 0; page < HUGE / TEST_PAGE; page++)
			if (page % SPLIT)
				memset(want + (NR - 1) * HUGE + page * TEST_PAGE, 0, TEST_PAGE);
		CHECK_MEM(mem[i], want, NR * HUGE);
	}
	CHECK_EQ(smaps(mem[2], "AnonHugePages:"), 0);
	pass();
}
