/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What processes share, and how that can be built: clone(2) shares between the creator and the process it creates only.
 *
 * Memory and signal handlers are shared for good. A descriptor table and directories can be left again by unshare(2),
 * so a process may pass on to its children what it doesn't share itself in the end. Where the parent can't, a sibling
 * creates the process (CLONE_PARENT).
 */
#ifndef CRIU_TASK_SHARE_H
#define CRIU_TASK_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum share_kind { SHARE_VM, SHARE_SIGHAND, SHARE_FILES, SHARE_FS, SHARE_NR };

/* "descriptor table" and so on. */
const char *share_kind_name(enum share_kind kind);

#define SHARE_NOBODY SIZE_MAX

/* One process to create. */
struct share_node {
	pid_t pid;
	bool lives;	       /* to the end of the restore; else it has no ids */
	uint32_t id[SHARE_NR]; /* equal ones are shared */
	size_t parent;	       /* index, SHARE_NOBODY for the root; so are all others */
	int exit_signal;       /* a sibling sends its creator's */
	size_t creator;	       /* changed to a sibling where that helps */
	bool movable;	       /* its creator is its parent: a sibling may take that one's place ... */
	unsigned moment;       /* ... if it was to be created at the same moment */

	/* The plan. */
	bool by_sibling;	/* its creator makes a sibling: CLONE_PARENT */
	uint64_t clone_flags;	/* CLONE_VM, _SIGHAND, _FILES, _FS: shared with its creator */
	uint64_t unshare_flags; /* CLONE_FILES, _FS: it leaves these when it has created others */
	size_t first[SHARE_NR]; /* the first node that shares the thing: itself if nobody before does */
};

/* Two that can't be brought to share what they do. */
struct share_conflict {
	pid_t pid, other;
	enum share_kind kind;
};

/*
 * Plans the NR processes of V, in which parents stand before children. 0; -ENOMEM; -EOPNOTSUPP with *CONFLICT;
 * -EINVAL with *CONFLICT: signal handlers are shared without memory, which can't be.
 */
int share_plan(struct share_node *v, size_t nr, struct share_conflict *conflict);

#endif
