/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One memory (address space) that is filled while its tasks run: which of its pages are still missing, and where their
 * content is. A page that was filled, dropped or unmapped is forgotten, and never becomes missing again.
 *
 * The state outlives the process that changes it: a pager that is killed at any instruction leaves it whole for who
 * takes over. So pages are forgotten bit by bit, which may be done twice, and a map, when pages move, is replaced by
 * one store. Memory comes from mmap(2) alone. Pure: no descriptor is used here.
 */
#ifndef CRIU_PAGER_MEMORY_H
#define CRIU_PAGER_MEMORY_H

#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGER_PAGE 4096ul

/* Pages at consecutive addresses whose content stands one behind the other. */
struct pager_range {
	uint64_t vaddr; /* bytes; of whole pages */
	uint64_t nr_pages;
	const char *from; /* borrowed */
	uint64_t bit;	  /* of the first page; its own */
};

struct pager_map {
	uint64_t made_by; /* the number of the message that it is the result of; 0: none */
	size_t len;	  /* bytes of this mapping */
	size_t nr;
	struct pager_range v[]; /* ascending, not overlapping */
};

/* Some of the missing pages: consecutive, of one range. */
struct pager_piece {
	uint64_t vaddr, len; /* bytes */
	const char *from;
};

#define PAGER_MESSAGES 32
#define PAGER_DEFERRED 64

struct pager_memory {
	struct pager_memory *next;
	size_t len; /* bytes of this mapping */
	struct pager_map *map;
	uint64_t nr_pages, nr_missing;
	uint64_t cursor;	  /* the filler's place, an address */
	uint64_t near, near_last; /* the page whose neighbours come next (0: none), and that of the last fault */

	/* The server's (pager/serve.c). */
	int uffd;
	bool gone;			/* and uffd is closed */
	pid_t pid;			/* one process that has it; 0: not known yet */
	struct pager_memory *forked_by; /* NULL: nobody, or one that is no more */
	uint64_t forked_us;
	uint64_t batch;	   /* counts reads of messages */
	unsigned next_msg; /* the first that was not handled */
	struct uffd_msg msg[PAGER_MESSAGES];
	unsigned nr_deferred;
	uint64_t deferred[PAGER_DEFERRED]; /* faults to be tried again */
	uint64_t deferred_since;	   /* us */
	/*
	 * There are more of them. They sleep on until these are served: told again at once they would always come
	 * before the messages that have to be read first.
	 */
	bool has_more;

	uint64_t missing[]; /* a bit for each page */
};

/* NR ranges, ascending; all their pages are missing. 0; -ENOMEM; -EINVAL: they aren't ascending or of whole pages. */
int pager_memory_new(const struct pager_range *ranges, size_t nr, struct pager_memory **ret);
/* What a child by fork(2) has: the same pages missing at the same addresses. 0 or -ENOMEM. */
int pager_memory_clone(const struct pager_memory *m, struct pager_memory **ret);
void pager_memory_free(struct pager_memory *m);

/* The pages from START to END aren't missing any more. Their number. */
uint64_t pager_memory_forget(struct pager_memory *m, uint64_t start, uint64_t end);
/*
 * The pages from FROM on stand LEN bytes from TO on now, where nothing of ours is left. Message BY says so: done once,
 * though it may be called twice. 0 or -ENOMEM.
 */
int pager_memory_move(struct pager_memory *m, uint64_t from, uint64_t to, uint64_t len, uint64_t by);

/* How many pages are missing, counted. */
uint64_t pager_memory_count(const struct pager_memory *m);

/* The piece of missing pages between START and END that VADDR's page is in; false: it isn't missing. */
bool pager_memory_find(const struct pager_memory *m, uint64_t vaddr, uint64_t start, uint64_t end,
		       struct pager_piece *ret);
/* The first piece of at most MAX bytes between START and END; false: there is none. */
bool pager_memory_next_in(const struct pager_memory *m, uint64_t start, uint64_t end, uint64_t max,
			  struct pager_piece *ret);
/* The next piece of at most MAX bytes at or above the cursor, else from the lowest address on; false: there is none. */
bool pager_memory_next(struct pager_memory *m, uint64_t max, struct pager_piece *ret);

#endif
