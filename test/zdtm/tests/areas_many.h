/* SPDX-License-Identifier: GPL-2.0 */
/* For tests with as many areas as there can be. */
#ifndef AREAS_MANY_H
#define AREAS_MANY_H

#include <stdlib.h>
#include <sys/mman.h>

#include "zdtm.h"

/*
 * Makes areas of one page, every other one read-only, until LEFT more may be made. *RET_NR: how many pages there are;
 * each read-only one, the even ones, starts with the byte (i / 2) % 251 + 1.
 */
static inline unsigned char *fill_up_with_areas(long left, long *ret_nr)
{
	static char text[64 << 10];
	unsigned char *mem;
	long max, nr;

	test_read_file("/proc/sys/vm/max_map_count", text, sizeof(text));
	max = atol(text);
	if (max > 100000)
		skip("%ld areas would be too many", max);
	mem = MUST((unsigned char *)mmap(NULL, max * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
					 0));
	test_read_file("/proc/self/maps", text, sizeof(text));
	nr = max - left;
	for (const char *c = text; *c; c++)
		nr -= *c == '\n';
	nr &= ~1l;
	for (long i = 0; i < nr; i += 2) {
		mem[i * TEST_PAGE] = (i / 2) % 251 + 1;
		MUST(mprotect(mem + i * TEST_PAGE, TEST_PAGE, PROT_READ));
	}
	*ret_nr = nr;
	return mem;
}

#endif
