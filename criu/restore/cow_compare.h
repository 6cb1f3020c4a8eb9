/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the pages that several processes may share and finds out which are equal. */
#ifndef CRIU_RESTORE_COW_COMPARE_H
#define CRIU_RESTORE_COW_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "mem/pagemap.h"
#include "pages/source.h"
#include "restore/cow_page.h"

/* Bytes START to END of one process that are in a segment. */
struct cow_part {
	uint64_t start, end;
	size_t segment; /* number */
	bool inherited; /* some of its pages are there when its process is born, or were put there for children */
};

/* A process that has parts in a segment, or forked one that has. */
struct cow_member {
	uint32_t id;		/* the caller's */
	struct cow_part *parts; /* in the segment, ascending; borrowed */
	size_t nr_parts;
	const struct pagemap *pagemap; /* NULL: no parts */
	struct page_source *src;
};

/* One segment. */
struct cow_group {
	uint64_t start, end; /* bytes */
	struct cow_member *members;
	struct cow_node *nodes; /* of the members, same order */
	size_t nr;
	bool unlike; /* cow_compare()'s own: no two pages were alike in the last piece */
};

enum cow_what {
	COW_PUT,  /* before ID is forked, its creator puts pages of process FROM there */
	COW_KEEP, /* ID has these pages already when it has forked its children */
	COW_DROP, /* what is there then is not ID's */
};

/* Something to do with pages of process ID. */
struct cow_record {
	uint32_t id;
	enum cow_what what;
	/* COW_PUT only. */
	bool over; /* a page is there already */
	uint32_t from;
	uint64_t offset; /* bytes, in the source of FROM */

	uint64_t vaddr, nr_pages;
};

struct cow_result {
	struct cow_record *v; /* owned; sorted: by id, what, over, from, vaddr */
	size_t nr;
	uint64_t nr_compared; /* pages */
};

/* Compares on a few threads, which have ended when it returns. 0 or -errno (cr_fail); RET->v is the caller's. */
int cow_compare(struct cr_ctx *ctx, struct cow_group *groups, size_t nr, struct cow_result *ret);

#endif
