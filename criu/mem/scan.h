/* SPDX-License-Identifier: GPL-2.0 */
/* Which pages of a stopped task must be stored. proc_pid_pagemap(5), ioctl_pagemap_scan(2). */
#ifndef CRIU_MEM_SCAN_H
#define CRIU_MEM_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "pages/run.h"

struct vma_list; /* mem/vma.h */

struct scan_args {
	struct cr_ctx *ctx;
	pid_t pid;  /* for messages */
	int procfd; /* of /proc/PID */
	const struct vma_list *vmas;
	bool use_pagemap_scan; /* kernel_has(..., PAGEMAP_SCAN); false: the pagemap file is read */
	bool tell_guards;      /* kernel_has(..., PAGEMAP_SCAN_GUARD_PAGES) */
	/*
	 * Gets the guard regions of all areas (MADV_GUARD_INSTALL), ascending, none across the border of an area.
	 * Kernels before 6.15 don't tell them; a page of one can't be captured then. Free with page_run_list_free().
	 */
	struct page_run_list *guards;
};

struct scan_stats {
	uint64_t nr_scanned; /* pages of all areas that were looked at */
	uint64_t nr_stored;  /* of them to be stored */
	uint64_t us;
};

/*
 * Fills *RET (free with page_run_list_free()) with ascending runs, all PE_PRESENT:
 *  - private anonymous areas (heap and stack too): pages that are there or swapped out, but not the zero page;
 *  - private file areas: only the pages that the task has copied on write;
 *  - AIO rings: all of them;
 *  - the vDSO: all of it, so that a restore where it lies elsewhere can tell its functions;
 *  - nothing of shared areas (their content is stored once per segment), of vvar, vsyscall and guard areas.
 * Private anonymous pages are PE_LAZY too (not of the vDSO, not huge pages of hugetlbfs); pages of areas without
 * PROT_READ are RUN_FORCE, those of areas advised to have huge pages RUN_ZEROS. No run crosses from an area into one
 * with other flags. STATS may be NULL. 0 or -errno.
 */
int scan_task(const struct scan_args *args, struct page_run_list *ret, struct scan_stats *stats);

/*
 * The pages of a shared segment that hold anything: runs of FD's data (lseek(2), SEEK_DATA) below SIZE bytes,
 * vaddr being the offset, PE_PRESENT. FD's offset moves. SIZE is rounded up to whole pages. 0 or -errno.
 */
int scan_segment(struct cr_ctx *ctx, int fd, uint64_t size, struct page_run_list *ret);

#endif
