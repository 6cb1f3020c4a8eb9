/* SPDX-License-Identifier: GPL-2.0 */
/* Giving a mapped file all of its blocks before it is filled. */
#ifndef CRIU_PAGES_ALLOCATE_H
#define CRIU_PAGES_ALLOCATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pages/holes.h"

/* Of one file; made by page_allocator_init(), nothing to free. */
struct page_allocator {
	struct hole_map map;
	char *base;	   /* where the file is mapped from its start on */
	bool huge;	   /* try pages of 2 MiB */
	bool insist;	   /* however long they take */
	uint64_t too_long; /* us that all so far took more than expected */
};

/*
 * For FD's file, which is mapped at BASE. With TRY_HUGE (tmpfs) new parts get pages of 2 MiB where the kernel has some
 * (MADV_COLLAPSE of madvise(2), Linux 6.1): they are filled and mapped without a fault for each 4 KiB.
 * CRIU_PAGES_HUGE=0 in the environment switches that off, 1 insists.
 */
void page_allocator_init(struct page_allocator *ret, int fd, char *base, bool try_huge);
/*
 * Allocates what the file has not got of the LEN bytes at OFFSET, below its end and behind those of the call before;
 * what it has stays. 0 or -errno; -ENOSPC when there is no room.
 */
int pages_allocate(struct page_allocator *allocator, uint64_t offset, uint64_t len);

#endif
