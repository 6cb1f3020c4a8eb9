/* SPDX-License-Identifier: GPL-2.0 */
/* What the restore keeps from phase to phase. Inner to restore/. */
#ifndef CRIU_RESTORE_ENGINE_H
#define CRIU_RESTORE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/error.h"
#include "base/opts.h"
#include "base/stats.h"
#include "core.pb-c.h"
#include "fam/set.h"
#include "fd/fd.h"
#include "fs.pb-c.h"
#include "mem/extra.h"
#include "mem/mm.h"
#include "mem/pagemap.h"
#include "mem/shmem.h"
#include "mem/sysv.h"
#include "mem/vdso.h"
#include "pager/pager.h"
#include "pages/source.h"
#include "pie/plan.h"
#include "restore/fill.h"
#include "restore/mem_plan.h"
#include "restore/seccomp_plan.h"
#include "task/attributes.h"
#include "task/core_restore.h"
#include "task/share.h"
#include "task/task.h"

/* One process to create: of the images, or a helper that ends before the tasks run. */
struct restore_task {
	struct task *task;
	struct restore_slot *slot;

	/* From the images; NULL for helpers, and only cores[0] for zombies. */
	CoreEntry **cores; /* of the threads, [0] the leader's */
	TaskKobjIdsEntry *ids;
	MmEntry *mm;
	MmExtraEntry *extra; /* NULL: its areas are nothing beyond MM */
	FsEntry *fs;
	struct pagemap *pagemap; /* NULL: no pages are stored */
	int exit_status;	 /* of a zombie, as waitpid(2) gives it */

	/* The forking plan (tree_plan.c). */
	struct restore_task *creator; /* forks it; not its parent when it is an orphan */
	enum born_when when;	      /* of that one; never _ELSEWHERE */
	struct list_head to_fork;     /* of fork_node: what this one forks, in order */
	struct list_head fork_node;
	bool orphan;	   /* the creator forks it by way of a process in between that ends at once */
	bool adopts;	   /* orphans come to it: it is a subreaper while the tree is built */
	bool by_sibling;   /* the creator is a sibling: CLONE_PARENT */
	bool outside_sid;  /* in our own session, its recorded one is not of the set (--shell-job) */
	bool outside_pgid; /* in our own process group, likewise */
	size_t number;	   /* its place in the tree's list */
	/* What it shares: task/share.h. OWNER[kind] restores the thing for all; it may be the task itself. */
	uint64_t clone_flags, unshare_flags;
	struct restore_task *owner[SHARE_NR];
	uint32_t turn; /* futex: see turn.h */
	/* Of those that share memory: where they find themselves in their owner's region, once it is READY (futex). */
	uint32_t region_ready;
	struct restorer_args *args;
	void *stack_top;

	struct seccomp_plan seccomp;
	struct cow_task *cow; /* NULL: no pages are shared with other tasks */
	struct mem_plan plan;
	struct page_source *source; /* NULL: no pages are stored */
	int staged_fd;		    /* where some of them stand if that isn't a file: staged_pages.h */
	uint64_t staged;	    /* bytes of it */
	int pages_fd;		    /* what tasks read, inherited by all */
	/* What comes from outside into its memory. */
	struct fill_job job;
	struct plan_policy policy; /* of the pages that come from outside, with HAS_POLICY */
	bool has_policy;
	int uffd;
	struct lazy_task *lazy; /* NULL: all of it is there before it runs */

	/* What the tracer knows. */
	struct restore_thread *threads; /* one per thread, [0] the leader */
	bool ended;			/* and reaped */
};

struct restore_thread {
	bool parked;
};

struct restore {
	struct cr_ctx *top; /* of our caller */
	struct cr_ctx ctx;  /* its error is the shared one */
	const struct cr_opts *opts;
	int images_dirfd;
	struct task_tree tree;	   /* helpers too, behind the tasks of the images */
	size_t nr_alive;	   /* tasks that get memory */
	SeccompEntry *seccomp;	   /* of all; NULL: there is no image */
	bool any_seccomp;	   /* some threads have it */
	bool timer_ids;		   /* the kernel gives the ids of POSIX timers that it is told */
	bool any_shared[SHARE_NR]; /* some tasks have one descriptor table, ... */
	struct fam_set *fam;	   /* NULL: pages are in files */
	struct fd_restore *fds;
	struct shmem_restore *segments;
	struct sysv_restore *sysv;
	uint32_t ipc_ns_id; /* as the images call our own */
	struct kernel *kernel;
	struct own_creds own_creds;
	struct attributes *attributes;
	struct own_attributes own_attributes;
	struct rlimit own_nofile; /* before it was raised */
	bool slacks_differ;	  /* timer slacks have to be set: attributes_slacks_differ() */
	struct vdso_live vdso;
	pid_t own_pgid;
	enum huge_mode huge;
	int first_service_fd; /* what tasks need of ours while they are restored is there and above */
	struct restore_shared *shared;
	size_t shared_len;
	struct fd_late *late;	     /* behind it; NULL: there are no late files */
	int go_pipe[2];		     /* the root task waits on it until it is traced */
	pid_t root_pid;		     /* > 0 once it exists */
	bool root_ended;	     /* it was reaped */
	struct ghost_names *pidfile; /* it goes if nothing comes of the restore */
	struct cow *cow;	     /* NULL: one task */
	struct trace *trace;
	struct fill *fill;
	struct watcher *guardian;
	struct pager_handle pager;
	struct cr_stats stats;
	uint64_t started_us;
};

static inline struct restore_task *restore_of(const struct task *task)
{
	return task->restore;
}

/* Does it share its thing of KIND with one that restores it? */
static inline bool is_guest(const struct restore_task *rt, enum share_kind kind)
{
	return rt->owner[kind] != rt;
}

static inline bool task_lives(const struct task *task)
{
	return task->state == TASK_ALIVE || task->state == TASK_STOPPED;
}

#endif
