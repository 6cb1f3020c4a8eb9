/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private areas of several processes that are one area inherited by fork, or may be: same addresses, same file and
 * offset, same kind. Pure.
 */
#ifndef CRIU_RESTORE_COW_SEGMENT_H
#define CRIU_RESTORE_COW_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm.pb-c.h"

/* What one mapping must have in common. */
struct cow_kind {
	bool anon;
	uint32_t flags;	 /* of mmap(2) */
	uint64_t file;	 /* in files.img; 0 for anonymous memory */
	uint64_t origin; /* where the file's first byte would be: start - pgoff; 0 for anonymous memory */
};

struct cow_area {
	struct cow_kind kind;
	uint64_t start, end; /* bytes */
	uint32_t owner;	     /* number of the process; its areas don't overlap */
	bool writable;
};

/* Areas of at least two processes overlap here. */
struct cow_segment {
	struct cow_kind kind;
	uint64_t start, end; /* bytes: from the first area's start to the last one's end */
	size_t first, nr;    /* its areas in the sorted array */
	bool writable;	     /* one of them at least */
	/* The caller's. */
	uint64_t place; /* where it stands until all is forked; 0: it is not used */
	bool used;	/* somebody inherits some of it */
};

/* False where the area can't be inherited: shared, locked, of or advised to use huge pages, not for children, or of a
 * special kind. */
bool cow_kind_of(const VmaEntry *v, struct cow_kind *kind);

/*
 * Sorts AREAS and joins what overlaps and is of one kind: *RET, ascending and disjoint, is the caller's. Of two that
 * overlap with unlike kinds the one with more areas is kept. 0 or -ENOMEM.
 */
int cow_segments_make(struct cow_area *areas, size_t nr, struct cow_segment **ret, size_t *ret_nr);

#endif
