/* SPDX-License-Identifier: GPL-2.0 */
#include "pages/allocate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "pages/run.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGE (2ul << 20)
/*
 * A huge page of warm memory takes 0.3 ms. Where the kernel has to compact memory first, or a virtual machine gets
 * it from its host only now, it takes many times that: after that much more time small pages do.
 */
#define HUGE_PAGE_US	 1000
#define HUGE_PATIENCE_US 20000

struct huge {
	char *base;	   /* where the file is mapped */
	bool on;	   /* try them */
	bool insist;	   /* however long it takes */
	uint64_t too_long; /* us above HUGE_PAGE_US, of all pages so far */
};

/* The kernel wants to see a page before it makes a huge one of it and the hole around it. */
static bool make_huge(char *addr)
{
	return !madvise(addr, RUN_PAGE_SIZE, MADV_POPULATE_READ) && !madvise(addr, HUGE_PAGE, MADV_COLLAPSE);
}

/* Whole huge pages from *HOLE on; moves *HOLE behind them. */
static void fill_huge(struct huge *huge, off_t *hole, off_t end)
{
	while (huge->on && *hole + (off_t)HUGE_PAGE <= end) {
		uint64_t start = now_us(), took;

		huge->on = make_huge(huge->base + *hole);
		if (!huge->on)
			break;
		*hole += HUGE_PAGE;
		took = now_us() - start;
		huge->too_long += took > HUGE_PAGE_US ? took - HUGE_PAGE_US : 0;
		huge->on = huge->insist || huge->too_long < HUGE_PATIENCE_US;
	}
}

static int fill_small(int fd, off_t *hole, off_t end)
{
	int r = *hole < end ? posix_fallocate(fd, *hole, end - *hole) : 0;

	*hole = end;
	return -r;
}

static int fill_hole(int fd, struct huge *huge, off_t hole, off_t end)
{
	off_t first = (hole + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	int r = 0;

	if (huge->on && first < end) {
		r = fill_small(fd, &hole, first);
		if (!r)
			fill_huge(huge, &hole, end);
	}
	return r ? r : fill_small(fd, &hole, end);
}

int pages_allocate(int fd, char *base, uint64_t size, bool try_huge)
{
	const char *wanted = getenv("CRIU_PAGES_HUGE");
	struct huge huge = { .base = base };
	off_t end = size, hole = 0, data;
	int r = 0;

	huge.insist = wanted && !strcmp(wanted, "1");
	huge.on = try_huge && (!wanted || strcmp(wanted, "0")) && (uintptr_t)base % HUGE_PAGE == 0;
	while (!r && hole < end) {
		hole = lseek(fd, hole, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		if (hole >= end)
			break;
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0 && errno != ENXIO)
			return -errno;
		if (data < 0 || data > end)
			data = end;
		r = fill_hole(fd, &huge, hole, data);
		hole = data;
	}
	return r;
}
