/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An area that grows down (MAP_GROWSDOWN), grown by some pages before and some after the restore.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define ROOM (1000 * TEST_PAGE)

static long start_of(char *top)
{
	char text[65536], *line;
	unsigned long a, b;

	test_read_file("/proc/self/maps", text, sizeof(text));
	for (line = text; line && *line; line = strchr(line, '\n') + 1) {
		CHECK(sscanf(line, "%lx-%lx", &a, &b) == 2);
		if (b == (unsigned long)top)
			return a;
	}
	fail("the area isn't there");
}

int main(int argc, char **argv)
{
	char *base, *top, *at;
	long start;

	test_init(argc, argv);
	base = MUST((char *)mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	MUST(munmap(base, ROOM));
	top = base + ROOM - 100 * TEST_PAGE;
	MUST(mmap(top - 2 * TEST_PAGE, 2 * TEST_PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0));
	for (at = top - 1; at > top - 20 * TEST_PAGE; at -= TEST_PAGE / 2)
		*at = (uintptr_t)at >> 8 | 1;
	start = start_of(top);
	CHECK_EQ(start, (long)top - 20 * (long)TEST_PAGE);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(mprotect((void *)start, TEST_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	CHECK_EQ(start_of(top), start);
	for (at = top - 1; at > top - 20 * TEST_PAGE; at -= TEST_PAGE / 2)
		CHECK_EQ((unsigned char)*at, (unsigned char)((uintptr_t)at >> 8 | 1));
	for (at = top - 20 * TEST_PAGE; at > top - 60 * TEST_PAGE; at -= TEST_PAGE)
		*at = 1;
	CHECK(start_of(top) < start);
	pass();
}
