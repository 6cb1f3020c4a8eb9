/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PAGEMAP_SCAN request of /proc/PID/pagemap (Linux 6.7), for systems whose headers are older: the kernel's
 * Documentation/admin-guide/mm/pagemap.rst. The names are ours, so that newer headers don't clash.
 */
#ifndef CRIU_PAGES_PAGEMAP_SCAN_H
#define CRIU_PAGES_PAGEMAP_SCAN_H

#include <stdint.h>
#include <sys/ioctl.h>

/* What is known of a page. */
enum pms_page {
	PMS_FILE = 0x04,    /* of a file or of shared memory, not copied */
	PMS_PRESENT = 0x08, /* in memory */
	PMS_SWAPPED = 0x10,
	PMS_ZERO = 0x20, /* the zero page, that every reader of untouched memory gets */
	PMS_HUGE = 0x40, /* mapped by one entry of 2 MiB */
};

/* One answer: START to END have WHAT in common. */
struct pms_range {
	uint64_t start, end, what;
};

/* The request. A page is answered for when (pages' bits ^ INVERT) has all of ALL_OF and one of ANY_OF. */
struct pms_request {
	uint64_t size; /* of this structure */
	uint64_t flags;
	uint64_t start, end; /* the addresses to look at */
	uint64_t stopped_at; /* set by the kernel: go on from here */
	uint64_t answers;    /* where they go */
	uint64_t nr_answers; /* room for so many */
	uint64_t pages_max;  /* 0: no limit */
	uint64_t invert;     /* enum pms_page, here and below */
	uint64_t all_of, any_of;
	uint64_t report;
};

/* Returns the count of answers. */
#define PMS_IOCTL _IOWR('f', 16, struct pms_request)

#endif
