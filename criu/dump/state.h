/* SPDX-License-Identifier: GPL-2.0 */
/* What one dump knows. */
#ifndef CRIU_DUMP_STATE_H
#define CRIU_DUMP_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/opts.h"
#include "base/stats.h"
#include "core.pb-c.h"
#include "dump/inject.h"
#include "fd/fd.h"
#include "mem/store.h"
#include "mem/vma.h"
#include "seize/seize.h"
#include "task/posix_timers.h"
#include "task/seccomp_set.h"
#include "task/share.h"
#include "task/task.h"
#include "task/user_dispatch.h"

#define INVENTORY_NAME "inventory.img"

struct dump_fam;   /* fam.c */
struct kernel;	   /* kernel/ */
struct shmem_dump; /* mem/shmem.h */

/* Of one thread. */
struct dump_seccomp {
	unsigned mode;
	uint32_t top; /* the last filter that was installed: in dump.seccomp */
};

/* Of one task; behind task->dump->state. */
struct dump_state {
	struct vma_list vmas;		    /* empty if an earlier task has the same memory */
	uint32_t ids[SHARE_NR];		    /* by which images say what tasks share: task_kobj_ids_entry */
	const struct task *owner[SHARE_NR]; /* the first that has the same thing: it itself, if none before does */
	struct parasite_task inside;
	struct parasite_thread *threads;  /* parallel to task->threads */
	struct parasite_policy *policies; /* of areas that have their own, ascending */
	size_t nr_policies;
	unsigned char *ldt; /* descriptors of 8 bytes; NULL: none */
	size_t ldt_len;
	struct dump_seccomp *seccomp;	/* parallel to task->threads, or NULL: no thread has any */
	struct user_dispatch *dispatch; /* parallel to task->threads; NULL: no thread has any */
	struct posix_timers timers;
	uint32_t sent_by_itimers; /* bit N: the signal of interval timer N waited already when they were looked at */
	uint32_t umask;
	uint32_t exe_id, cwd_id, root_id;
	uint32_t locks;	      /* how its future areas are locked: flags of mlockall(2) */
	struct inject inject; /* for its pages */
};

struct dump {
	struct cr_ctx *ctx;
	const struct cr_opts *opts;
	struct kernel *kernel;
	int images_dirfd;
	struct task_tree tree;
	struct seccomp_set seccomp;
	bool seized;
	bool committed; /* inventory.img is there */
	struct fd_dump *fds;
	struct fd_link *links; /* names of the set, once FDS is gone */
	struct shmem_dump *shmem;
	struct store_list store; /* what is to be stored of memory */
	struct dump_fam *fam;	 /* NULL: pages are stored in files */
	uint64_t frozen_at_us;
	struct cr_stats stats;
	int script_status; /* of a post-dump script that failed, else 0 */
};

/* kobj.c: begins the state of every task: when a restore creates it, what it shares, with its ids; refuses what can't
 * be restored. */
int dump_kobj_ids(struct dump *d);
/* check.c: refuses, by name, what isn't supported; lists the areas of every memory. */
int dump_check_tasks(struct dump *d);
/* inside.c: puts the parasite into every task and asks it; refuses, by name, what the answers don't allow. */
int dump_ask_inside(struct dump *d);
/* timers.c: lists POSIX timers; refuses those that can't be made again. */
int dump_list_timers(struct dump *d, const struct task *task);
/* timers.c: asks each task how its interval timers (BEFORE it is asked for them) and POSIX timers stand. */
int dump_note_itimers(struct dump *d, const struct task *task);
int dump_ask_timers(struct dump *d, struct task *task);
/* timers.c: QUEUE of the process (TID 0) or a thread: what timers have sent since then is taken out. */
void dump_drop_late(const struct task *task, pid_t tid, SignalQueueEntry *queue);
/*
 * dispatch.c: a thread's own system call dispatch is off as long as we make calls in it. 0 or -errno; giving it back is
 * for when the parasite is out again.
 */
int dump_suspend_dispatch(struct dump *d, const struct task *task);
void dump_resume_dispatch(struct dump *d, struct task *task);
/* attributes.c: what of threads and tasks differs from the kernel's defaults and no image of CRIU's holds. */
int dump_attributes(struct dump *d);
/* A task as fd/ sees it; it can be asked as long as the parasite is in it. */
struct dump_fd_task {
	struct fd_task fd;
	struct dump *dump;
	struct task *task;
};

/* files.c: fills *RET, which refers to itself: it stays where it is. Nothing is to be freed. */
void dump_fd_task_init(struct dump *d, struct task *task, struct dump_fd_task *ret);
/* files.c: descriptors, executables, directories. */
int dump_files(struct dump *d);
/* memory.c: mm images of every memory, which pages are there, and shared segments: fills d->store. */
int dump_memory(struct dump *d);
/* memory.c: pagemaps and pages of all, when everything else is known. */
int dump_pages(struct dump *d);
/* memory.c: what dump_memory() has begun. */
void dump_memory_end(struct dump *d);
/* cores.c: core, ids and fs images of every task. */
int dump_cores(struct dump *d);
/* set.c: the namespaces' ids in images of a tree that lives in criu's own */
void dump_fill_namespace_ids(TaskKobjIdsEntry *ids);
/* set.c: pstree and what a set holds once; removing and writing inventory.img. */
int dump_tree_images(struct dump *d);
int dump_forget_inventory(struct dump *d);
int dump_sync_images(struct dump *d);
/* Durably, as NAME. */
int dump_write_inventory(struct dump *d, const char *name);

/*
 * fam.c, all of them without effect where no pool was asked for (--fam-dir). Opens it, before any task is stopped: a
 * pool that is missing, not ours, read-only or written to by another is an error then.
 */
int dump_fam_open(struct dump *d);
/* The images directory's old set isn't one any more: removes its checkpoint and files. */
int dump_fam_invalidate(struct dump *d);
/* Room for all of d->store: -ENOSPC before anything is copied. */
int dump_fam_create(struct dump *d);
/* Copies all pages; fills STATS and writes pagemaps and fam.img. */
int dump_fam_store(struct dump *d, struct store_stats *stats);
/* All images are durable: makes the checkpoint visible, then the set. */
int dump_fam_commit(struct dump *d);
/* Gives back what isn't committed; -_uncommit() what is, and _close() the pool. */
void dump_fam_drop(struct dump *d);
void dump_fam_uncommit(struct dump *d);
void dump_fam_close(struct dump *d);

static inline struct dump_state *state_of(const struct task *task)
{
	return task->dump->state;
}

/* Is TASK the one that stands for all who have the same thing of KIND? */
static inline bool owns(const struct task *task, enum share_kind kind)
{
	return state_of(task)->owner[kind] == task;
}

#endif
