/* SPDX-License-Identifier: GPL-2.0 */
/* Runs of pages: what scan finds, capture copies, pagemap images describe and restore fills. */
#ifndef CRIU_PAGES_RUN_H
#define CRIU_PAGES_RUN_H

#include <stddef.h>
#include <stdint.h>

#define RUN_PAGE_SHIFT 12
#define RUN_PAGE_SIZE  (1ul << RUN_PAGE_SHIFT)

/* pagemap_entry.flags, as images hold them. */
#define PE_PARENT  (1u << 0) /* in the parent image */
#define PE_LAZY	   (1u << 1) /* may be restored lazily */
#define PE_PRESENT (1u << 2) /* in the pages file */
#define PE_KNOWN   (PE_PARENT | PE_LAZY | PE_PRESENT)
/* Never in an image: the task itself may not read these pages (PROT_NONE), a capture must force it. */
#define RUN_FORCE (1u << 31)
/* Likewise: pages that are all zero are stored like others, since huge pages come back only whole (MADV_HUGEPAGE). */
#define RUN_ZEROS (1u << 29)

/* Never in an image: the pages are in the task already, but without their content. */
#define RUN_POPULATED (1u << 30)

/* Pages at consecutive addresses. In a shared segment VADDR is the offset from its start. */
struct page_run {
	uint64_t vaddr; /* bytes */
	uint64_t nr_pages;
	uint32_t flags; /* PE_*, RUN_FORCE, RUN_ZEROS */
};

/* The same, and where in the pages file they are. */
struct page_run_at {
	uint64_t vaddr; /* bytes */
	uint64_t nr_pages;
	uint64_t offset; /* bytes from the pages file's start; 0 when not PE_PRESENT */
	uint32_t flags;
};

/* In ascending order, not overlapping. Zeroed is empty. */
struct page_run_list {
	struct page_run *v; /* owned */
	size_t nr;
	size_t room;	     /* elements allocated */
	uint64_t nr_present; /* pages of the runs that are PE_PRESENT */
};

/*
 * Appends NR_PAGES pages from VADDR; joins the last run when it ends there, has the same flags and MAY_JOIN.
 * VADDR is not below the end of the last run. 0 or -ENOMEM.
 */
int page_run_add(struct page_run_list *list, uint64_t vaddr, uint64_t nr_pages, uint32_t flags, int may_join);
void page_run_list_free(struct page_run_list *list);

#endif
