/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages that processes share copy-on-write. CRIU's images don't tell which were shared: private pages of several
 * tasks at one address that are equal become one. The root task maps the areas that have such pages before anything
 * is forked, each task puts pages there before it forks those who need them, and all inherit: the way they came to
 * share them at first.
 */
#ifndef CRIU_RESTORE_COW_H
#define CRIU_RESTORE_COW_H

#include "pages/run.h"
#include "restore/cow_compare.h"
#include "restore/cow_segment.h"
#include "restore/engine.h"

/* What all tasks inherit; in the engine until the root task exists, then in each task by fork. */
struct cow {
	struct cow_segment *segments; /* ascending; place 0: not used */
	size_t nr_segments;
	uint64_t window, window_len; /* where those stand whose own addresses are taken; 0: there is none */
	bool released;		     /* they are not kept free any more */
	bool outside;		     /* large amounts come by userfaultfd */
	bool mapped;		     /* by cow_map() */
};

/* What one process does about it. */
struct cow_task {
	struct cow_part *parts; /* ascending */
	size_t nr_parts, room_parts;
	/* Its creator puts these pages there before it is forked; vaddr: where they are until all is forked. */
	struct page_run_at *puts;
	struct restore_task **put_from; /* whose pages file */
	size_t nr_puts;
	size_t nr_outside; /* the first of them: missing anonymous pages, out of the creator's file */
	uint64_t outside_pages;
	struct page_run_list kept;    /* needn't be filled */
	struct page_run_list dropped; /* inherited, but not its own */
	struct pagemap rest;	      /* its pagemap without what is kept */
};

/* ---- in the engine ---- */
/*
 * Plans sharing, when all sources are open and before memory is planned, and keeps addresses free for it. Nothing
 * is done where no two tasks have pages in common. 0 or -errno (cr_fail). cow_free() in any case.
 */
int cow_plan(struct restore *r);
/* The pages of RT that are to be filled when its memory is made. */
const struct pagemap *cow_rest(const struct restore_task *rt);
/* When RT's areas are planned: tells which of them are inherited, and where they stand. */
void cow_mark_areas(const struct restore *r, struct restore_task *rt);
/* When the root task exists: gives up the addresses that were kept free. */
void cow_release(struct restore *r);
void cow_free(struct restore *r);

/* ---- in tasks ---- */
/* The root task, its files being open: maps what is inherited. */
int cow_map(struct restore *r);
/* CREATOR, just before it forks CHILD. */
int cow_put_pages(struct restore *r, struct restore_task *creator, struct restore_task *child);
/* RT, when everyone is forked: gets rid of what isn't its own. */
int cow_settle(struct restore *r, struct restore_task *rt);

/* Where address VADDR of the segment stands until all is forked. */
static inline uint64_t cow_place(const struct cow_segment *s, uint64_t vaddr)
{
	return s->place + (vaddr - s->start);
}

#endif
