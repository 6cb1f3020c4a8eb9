/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of huge pages: hugetlbfs(5), mmap(2) MAP_HUGETLB, memfd_create(2) MFD_HUGETLB, shmget(2) SHM_HUGETLB. The
 * three calls say the size in the same bits of their flags, as its logarithm; 0 is the default size.
 */
#ifndef CRIU_MEM_HUGETLB_H
#define CRIU_MEM_HUGETLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "pages/run.h"

#define HUGETLB_SHIFT	  26
#define HUGETLB_SIZE_MASK (0x3fu << HUGETLB_SHIFT)

/* The size bits for pages of SIZE bytes, a power of two. */
static inline uint32_t hugetlb_size_bits(uint64_t size)
{
	return (uint32_t)__builtin_ctzll(size) << HUGETLB_SHIFT;
}

/* FLAGS have nothing but MARK (MFD_HUGETLB, SHM_HUGETLB) and a size that can be, or are 0. */
bool hugetlb_flags_valid(uint32_t flags, uint32_t mark);
/* The size in bytes that FLAGS ask for; 0 if the kernel has no huge pages. */
uint64_t hugetlb_page_size(uint32_t flags);
/* The size of huge pages of FD's file; 0 if it isn't of huge pages. */
uint64_t hugetlb_file_page_size(int fd);

/*
 * The huge pages, of PAGE_SIZE bytes, that FD's file (ST) has: as scan_segment(). lseek(2) doesn't tell them, and a
 * mapping would allocate what isn't there; so where some aren't, those that read as zero are taken for holes.
 */
int hugetlb_scan(struct cr_ctx *ctx, int fd, const struct stat *st, uint64_t page_size, struct page_run_list *ret);

/* What something will take as soon as it is made: pages that are filled, or that mmap(2) sets aside. */
struct hugetlb_need {
	uint32_t flags;
	uint64_t bytes;
};
/*
 * Are there enough huge pages of each size for all NEEDS, counting those that the kernel may make (overcommit)? Else
 * it would be found out in the middle. 0 or -ENOMEM (cr_fail), -errno.
 */
int hugetlb_check_free(struct cr_ctx *ctx, const struct hugetlb_need *needs, size_t nr);

#endif
