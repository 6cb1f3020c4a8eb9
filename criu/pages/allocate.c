/* SPDX-License-Identifier: GPL-2.0 */
#include "pages/allocate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/madvise.h"
#include "pages/run.h"

#define HUGE_PAGE (2ul << 20)
/*
 * A huge page of warm memory takes 0.3 ms. Where the kernel has to compact memory first, or a virtual machine gets
 * it from its host only now, it takes many times that: after that much more time small pages do.
 */
#define HUGE_PAGE_US	 1000
#define HUGE_PATIENCE_US 20000

/* The kernel wants to see a page before it makes a huge one of it and the hole around it. */
static bool make_huge(char *addr)
{
	return !madvise(addr, RUN_PAGE_SIZE, MADV_POPULATE_READ) && !madvise(addr, HUGE_PAGE, MADV_COLLAPSE);
}

/* Whole huge pages from *HOLE on; moves *HOLE behind them. */
static void fill_huge(struct page_allocator *a, off_t *hole, off_t end)
{
	while (a->huge && *hole + (off_t)HUGE_PAGE <= end) {
		uint64_t start = now_us(), took;

		a->huge = make_huge(a->base + *hole);
		if (!a->huge)
			break;
		*hole += HUGE_PAGE;
		took = now_us() - start;
		a->too_long += took > HUGE_PAGE_US ? took - HUGE_PAGE_US : 0;
		a->huge = a->insist || a->too_long < HUGE_PATIENCE_US;
	}
}

static int fill_small(int fd, off_t *hole, off_t end)
{
	int r = *hole < end ? posix_fallocate(fd, *hole, end - *hole) : 0;

	*hole = end;
	return -r;
}

static int fill_hole(struct page_allocator *a, off_t hole, off_t end)
{
	off_t first = (hole + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	int r = 0;

	if (a->huge && first < end) {
		r = fill_small(a->map.fd, &hole, first);
		if (!r)
			fill_huge(a, &hole, end);
	}
	return r ? r : fill_small(a->map.fd, &hole, end);
}

void page_allocator_init(struct page_allocator *ret, int fd, char *base, bool try_huge)
{
	const char *wanted = getenv("CRIU_PAGES_HUGE");

	*ret = (struct page_allocator){ .map.fd = fd, .base = base };
	ret->insist = wanted && !strcmp(wanted, "1");
	ret->huge = try_huge && (!wanted || strcmp(wanted, "0")) && (uintptr_t)base % HUGE_PAGE == 0;
}

int pages_allocate(struct page_allocator *a, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len, stop;
	bool is_data;
	int r = 0;

	for (uint64_t at = offset; !r && at < end; at = stop) {
		r = hole_map_look(&a->map, at, &is_data, &stop);
		if (stop > end)
			stop = end;
		if (!r && !is_data)
			r = fill_hole(a, at, stop);
	}
	return r;
}
