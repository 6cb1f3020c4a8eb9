/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One page address, all processes of a tree: who forks when the page has which content, so that processes whose
 * pages are equal share one. Pure: classes of content go in, decisions come out.
 */
#ifndef CRIU_RESTORE_COW_PAGE_H
#define CRIU_RESTORE_COW_PAGE_H

#include <stddef.h>
#include <stdint.h>

/* No content: the process has no page there. */
#define COW_NONE (-1)

/* A process, in preorder: its descendants stand right behind it, its children in the order in which it forks them. */
struct cow_node {
	int32_t up;  /* who forks it; -1: the first one, the root */
	int32_t end; /* behind its last descendant */
};

/* Before CHILD is forked, who forks it puts content CLASS there. */
struct cow_put {
	int32_t child, class;
	int32_t over; /* the class that is there already, or COW_NONE */
};

struct cow_page {
	size_t nr_nodes;
	int32_t *class; /* in: of each node; COW_NONE or from 0 up, below nr_nodes */
	int32_t *born;	/* out: what each node is born with */
	int32_t *left;	/* out: what it has when it has forked all its children */
	struct cow_put *puts;
	size_t nr_puts; /* out */
	/* Its own. */
	int32_t *want, *meet;
};

/* Room for NR_NODES nodes; -ENOMEM. cow_page_free() in any case. */
int cow_page_init(struct cow_page *page, size_t nr_nodes);
void cow_page_free(struct cow_page *page);
/*
 * Decides for the tree NODES (page->nr_nodes of them): a process is born with what its creator has just then, and a
 * creator puts there only what at least two of its children and itself can use.
 */
void cow_page_decide(struct cow_page *page, const struct cow_node *nodes);

#endif
