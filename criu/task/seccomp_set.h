/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seccomp filters of a tree, for seccomp.img: seccomp(2). A thread has a chain of them, each on top of the one that was
 * installed before. The kernel shares what was inherited, and doesn't tell: filters that are equal, on top of equal
 * ones, are one entry here.
 */
#ifndef CRIU_TASK_SECCOMP_SET_H
#define CRIU_TASK_SECCOMP_SET_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECCOMP_NONE UINT32_MAX

struct seccomp_filter_entry {
	struct sock_filter *code; /* owned */
	uint32_t nr;		  /* instructions */
	uint32_t prev;		  /* installed before it; SECCOMP_NONE: nothing was */
	uint32_t flags;		  /* of seccomp(2), as far as the kernel tells */
	uint32_t hash;
	bool partial; /* in some process not all threads have it */
};

struct seccomp_set {
	struct seccomp_filter_entry *v; /* each behind what it stands on */
	uint32_t nr, room;
	uint32_t *table; /* of hashes: indices in V, or SECCOMP_NONE */
	uint32_t table_size;
};

void seccomp_set_free(struct seccomp_set *set);
/* The entry of such a filter on top of PREV, which may be new; CODE is copied. -ENOMEM. */
int seccomp_set_add(struct seccomp_set *set, uint32_t prev, const struct sock_filter *code, uint32_t nr, uint32_t flags,
		    uint32_t *ret);
/* TOPS are the uppermost filters (or SECCOMP_NONE) of all NR threads of one process: sets PARTIAL. -ENOMEM. */
int seccomp_set_mark_partial(struct seccomp_set *set, const uint32_t *tops, size_t nr);
/* Does the program itself name the action, as a constant? */
bool seccomp_code_returns(const struct sock_filter *code, uint32_t nr, uint32_t action);

#endif
