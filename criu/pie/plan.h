/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the restorer blob is told and what it answers: plain data. The blob runs inside the task that is being
 * restored, calls nothing of ours and knows no page medium: the pages it has to fetch are reads from one
 * descriptor; all others are put in place from outside (userfaultfd) while it waits.
 *
 * struct restorer_args, the arrays it points to and the blob stand in one region that is free in the task's old
 * and in its new memory; struct restore_shared is memory that the engine and all tasks share.
 */
#ifndef CRIU_PIE_PLAN_H
#define CRIU_PIE_PLAN_H

#include <stdint.h>

#include "base/error.h"

#define PLAN_NSIG	64
#define PLAN_NR_RLIMITS 16
#define PLAN_COMM_LEN	16
#define PLAN_CAP_WORDS	2
/* readv(2): no more parts than this in one call. */
#define PLAN_IOV_MAX 1024

/* ---- memory -------------------------------------------------------------------------------------------------- */

#define PLAN_AREA_WRITABLE                                                                                             \
	(1u << 0)		    /* map it writable first, prot at the end: it is filled by reads or from outside   \
				     */
#define PLAN_AREA_UFFD	  (1u << 1) /* register it: pages come from outside */
#define PLAN_AREA_LOCK	  (1u << 2) /* mlock(2) when it is filled */
#define PLAN_AREA_GUARD	  (1u << 3) /* no area: install guard pages there (MADV_GUARD_INSTALL) */
#define PLAN_AREA_ONFAULT (1u << 4) /* with LOCK: MLOCK_ONFAULT */
#define PLAN_AREA_GUARDED (1u << 5) /* has guard pages, which locking can't populate */
#define PLAN_AREA_SEAL	  (1u << 6) /* mseal(2), after all else */
/*
 * A piece of the System V segment whose id is in FD: by shmat(2), so that it counts as attached and shmdt(2) finds it.
 * READONLY: with SHM_RDONLY. Pieces of the same segment and access whose starts differ as their pgoff do are of one
 * attachment.
 */
#define PLAN_AREA_ATTACH   (1u << 7)
#define PLAN_AREA_READONLY (1u << 8)
#define PLAN_AREA_RING	   (1u << 9)  /* holds the place of an AIO ring */
#define PLAN_AREA_SMALL	   (1u << 10) /* advised to use huge pages, but what is read takes small ones */

struct plan_area {
	uint64_t start, len, pgoff; /* bytes */
	uint64_t madv;		    /* bit N: madvise(2) with advice N */
	uint64_t whole;		    /* with ATTACH: bytes of the segment, of whole pages */
	uint32_t prot, flags;	    /* of mmap(2); MAP_FIXED_NOREPLACE is added */
	int32_t fd;		    /* -1: anonymous */
	uint32_t how;		    /* PLAN_AREA_* */
	uint64_t place;		    /* where it stands already, readable and writable; 0: it is to be mapped */
};

/* An AIO context, io_setup(2), and its ring. */
struct plan_ring {
	uint64_t addr, len;	/* bytes */
	uint64_t madv;		/* as of an area */
	uint32_t nr_requests;	/* of io_setup(2) */
	uint32_t head;		/* index of the first event that was not read */
	uint32_t nr_unread, id; /* id: the blob's own */
};

/* As struct iovec. */
struct plan_iov {
	uint64_t addr, len; /* bytes */
};

/* Pages that are read from pages_fd: one preadv(2) of nr_iovs parts from iovs[first_iov]. */
struct plan_read {
	uint64_t offset;	     /* bytes */
	uint32_t first_iov, nr_iovs; /* nr_iovs <= PLAN_IOV_MAX */
};

/* Moves a special mapping (vvar, vdso) of this kernel, first out of the way, at the end to its place. */
#define PLAN_NR_MOVES 4
struct plan_move {
	uint64_t from, aside, to; /* TO 0: it is unmapped */
	uint64_t len;
};

/* Bytes that replace the vDSO of another kernel: its own code, with jumps to the live one at the entries. */
struct plan_proxy {
	uint64_t addr, len; /* where it was; 0: none */
	const void *content;
};

/* The kernel's struct prctl_mm_map: prctl(2), PR_SET_MM_MAP. */
struct plan_mm_map {
	uint64_t start_code, end_code, start_data, end_data;
	uint64_t start_brk, brk, start_stack;
	uint64_t arg_start, arg_end, env_start, env_end;
	const uint64_t *auxv;
	uint32_t auxv_size; /* bytes */
	uint32_t exe_fd;
};

/* ---- attributes ---------------------------------------------------------------------------------------------- */

/* set_mempolicy(2), mbind(2): as many nodes as a kernel can be built for. */
#define PLAN_NODE_WORDS 16
struct plan_policy {
	uint64_t nodes[PLAN_NODE_WORDS];
	uint32_t mode; /* with its flags */
};

/* Of a whole area of the plan, which starts there. */
struct plan_area_policy {
	uint64_t start;
	struct plan_policy policy;
};

/* The kernel's struct user_desc: modify_ldt(2). */
struct plan_segment {
	uint32_t entry_number, base_addr, limit, bits;
};

/* Which of a thread's attributes it has to set: it is born with others. */
#define PLAN_SET_SLACK	     (1u << 0)
#define PLAN_SET_PERSONALITY (1u << 1)
#define PLAN_SET_POLICY	     (1u << 2) /* the first thread's before there is memory */
#define PLAN_SET_SPECULATION (1u << 3)
#define PLAN_SET_TSC	     (1u << 4)
#define PLAN_SET_CPUID	     (1u << 5)
#define PLAN_SET_MCE_KILL    (1u << 6)
#define PLAN_SET_IO_FLUSHER  (1u << 7)

#define PLAN_NR_SPECULATION 3
struct plan_attributes {
	uint32_t set;				   /* PLAN_SET_* */
	uint32_t personality;			   /* personality(2) */
	uint64_t timer_slack;			   /* ns; 0: none, it's a real-time thread */
	uint64_t timer_slack_default;		   /* ns: what it's born with */
	uint32_t speculation[PLAN_NR_SPECULATION]; /* PR_SET_SPECULATION_CTRL; 0: nothing to set */
	uint32_t tsc;				   /* PR_SET_TSC */
	uint32_t cpuid_faults;			   /* ARCH_SET_CPUID */
	uint32_t mce_kill;			   /* PR_MCE_KILL_SET */
	uint32_t io_flusher;			   /* PR_SET_IO_FLUSHER */
	struct plan_policy policy;
};

/* ---- threads ------------------------------------------------------------------------------------------------- */

struct plan_creds {
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint32_t cap_inh[PLAN_CAP_WORDS], cap_prm[PLAN_CAP_WORDS], cap_eff[PLAN_CAP_WORDS];
	uint32_t cap_bnd[PLAN_CAP_WORDS], cap_amb[PLAN_CAP_WORDS];
	uint32_t last_cap;   /* the highest capability that this kernel knows */
	uint32_t securebits; /* prctl(2), PR_SET_SECUREBITS */
	uint32_t no_new_privs;
	uint32_t change; /* 0: ids, capabilities and securebits are already these */
	uint32_t nr_groups;
	const uint32_t *groups;
};

/* One of seccomp(2). */
struct plan_filter {
	const void *code;   /* struct sock_filter[nr] */
	uint32_t nr, flags; /* flags: SECCOMP_FILTER_FLAG_* */
};

/* What a thread does first, in this order: whom it creates has what it has installed before. */
enum plan_step_kind { STEP_THREAD, STEP_FILTER, STEP_STRICT };
struct plan_step {
	uint32_t kind;
	uint32_t nr; /* of the thread, the filter */
};

/* The kernel's siginfo_t. */
struct plan_siginfo {
	uint32_t signo;
	uint8_t rest[124];
};

struct plan_thread {
	int32_t tid;
	uint32_t pdeath_signal;
	uint64_t tid_address;
	uint64_t robust_list, robust_list_len;
	uint64_t altstack_sp, altstack_size;
	uint32_t altstack_flags;
	uint32_t rseq_size, rseq_signature;
	uint32_t nr_signals; /* pending for this thread alone */
	uint64_t rseq_addr;  /* 0: none is registered */
	const struct plan_siginfo *signals;
	uint64_t user_flags; /* of the flags register; the thread has to set them itself */
	const struct plan_step *steps;
	uint64_t nr_steps;
	char comm[PLAN_COMM_LEN];
	struct plan_creds creds;
	struct plan_attributes attributes;
	/* The blob's own. */
	struct restorer_args *args;
	uint64_t stack_start, stack_size; /* bytes */
};

/* ---- the process --------------------------------------------------------------------------------------------- */

/* The kernel's struct sigaction: sigaction(2), "C library/kernel differences". */
struct plan_sigaction {
	uint64_t handler, flags, restorer, mask;
};

struct plan_itimer {
	int64_t interval_sec, interval_usec, value_sec, value_usec;
};

/* As timer_create(2) and timer_settime(2) take them. */
struct plan_timer {
	int32_t id, clock, signo, notify;
	int32_t tid;	    /* SIGEV_THREAD_ID: whom it notifies; else 0 */
	uint32_t overrun;   /* expirations that the last signal stood for, beside the one that sent it */
	uint32_t signalled; /* its signal is in the queue of who is notified */
	uint32_t reserved;
	uint64_t sigval;
	int64_t interval_sec, interval_nsec, value_sec, value_nsec; /* value: the time that is left */
};

struct plan_rlimit {
	uint64_t cur, max;
};

struct restorer_args {
	struct restore_shared *shared;
	struct restore_slot *slot;
	uint64_t region_start, region_len; /* blob, arguments, stacks, shared memory: what stays mapped */
	uint64_t task_size;		   /* the end of user addresses */
	int32_t pid;
	uint32_t fault_stage; /* enum restore_stage that is made to fail */

	uint32_t nr_moves;
	struct plan_move moves[PLAN_NR_MOVES];
	struct plan_proxy proxy;

	struct plan_area *areas;
	uint64_t nr_areas;
	struct plan_iov
		*kept; /* what stays mapped when the old memory goes, ascending: the region, areas with a place */
	uint64_t nr_kept;
	struct plan_read *reads;
	uint64_t nr_reads;
	struct plan_iov *iovs;
	struct plan_iov *huge; /* populate these with huge pages, if there are any, before pages come from outside */
	uint64_t nr_huge;
	struct plan_ring *rings;
	uint32_t nr_rings;
	int32_t pages_fd;
	uint32_t readahead; /* start reading the pages file ahead */
	uint64_t pages_len; /* bytes */
	uint32_t outside;   /* some areas are filled from outside */
	uint32_t lazy;	    /* and their userfaultfd stays: it tells of forks and changes */
	uint32_t dumpable;
	struct plan_mm_map mm;
	uint32_t thp_disabled, thp_flags; /* PR_SET_THP_DISABLE */
	uint32_t mdwe;			  /* PR_SET_MDWE */
	uint32_t memory_merge;		  /* PR_SET_MEMORY_MERGE; areas that aren't merged are told so by madv */
	uint32_t membarrier;		  /* bit N: membarrier(2) with command 1 << N */
	uint32_t lock_future;		  /* flags of mlockall(2); 0: it isn't called */
	uint32_t child_subreaper;

	const struct plan_area_policy *area_policies;
	const struct plan_segment *segments; /* of the local descriptor table */
	uint32_t nr_area_policies, nr_segments;

	int32_t first_service_fd; /* it and all above are closed at the end */
	/* 0: the thing is shared, and another task does to it what has to be done. */
	uint32_t owns_fds, owns_memory, owns_handlers;
	struct restorer_args *memory_owner; /* itself, if it shares its memory with nobody */
	uint32_t guests_left;		    /* futex, the owner's: those it shares with that don't run the blob yet */

	struct plan_sigaction sigactions[PLAN_NSIG]; /* [n] is of signal n + 1 */
	struct plan_itimer itimers[3];		     /* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF */
	const struct plan_timer *timers;	     /* POSIX timers, by ascending id */
	uint32_t nr_timers;
	uint32_t timer_ids;    /* the kernel gives the ids that it is told: PR_TIMER_CREATE_RESTORE_IDS */
	uint32_t early_timers; /* they have to be created before credentials change */
	uint32_t timers_left;  /* futex: 1 until they exist */
	struct plan_rlimit rlimits[PLAN_NR_RLIMITS];
	uint32_t nr_rlimits;
	uint32_t nr_signals; /* pending for the process */
	const struct plan_siginfo *signals;

	struct plan_thread *threads; /* [0] is the leader */
	uint32_t nr_threads;
	uint32_t threads_left; /* futex: threads beside the leader that have not come to their end */
	uint32_t relayed_left; /* futex: threads that others than the leader have yet to create */
	const struct plan_filter *filters;

	/* For a rt_sigtimedwait(2) that the engine lets the task make. */
	uint64_t sigchld_mask;
	int64_t no_time[2];
};

/* ---- shared by the engine and all tasks ---------------------------------------------------------------------- */

/* How far a task has come; the blob stops itself by SIGSTOP at those marked so, and its tracer looks here. */
enum restore_stage {
	STAGE_NONE,
	STAGE_BORN,
	STAGE_PUT,     /* it puts pages in place that its next child inherits; stops: slot->uffd waits to be taken */
	STAGE_FORKED,  /* it has forked its children */
	STAGE_GROUPED, /* it is in its process group */
	STAGE_FILES,   /* its descriptors are in place */
	STAGE_BLOB,    /* it runs the blob */
	STAGE_UFFD,    /* stops: slot->uffd waits to be taken */
	STAGE_MEMORY,  /* its memory is complete */
	STAGE_THREADS, /* it creates its threads */
	STAGE_PARKED,  /* stops: all is done */
};

/* What the blob was doing when it failed; the engine has a text for each (restore/blob_error.c). */
enum restorer_op {
	OP_NONE,
	OP_FAULT,
	OP_MOVE_VDSO,
	OP_UNMAP,
	OP_MAP,
	OP_INHERIT,
	OP_MADVISE,
	OP_UFFD_CREATE,
	OP_UFFD_REGISTER,
	OP_FILL,
	OP_READ_PAGES,
	OP_PROTECT,
	OP_LOCK,
	OP_GUARD,
	OP_SEAL,
	OP_AIO,
	OP_LOCK_FUTURE,
	OP_ATTACH,
	OP_MM_MAP,
	OP_THP,
	OP_PERSONALITY,
	OP_SUBREAPER,
	OP_MEMBARRIER,
	OP_CLOSE_FDS,
	OP_CLONE,
	OP_SECCOMP,
	OP_RLIMIT,
	OP_SIGACTION,
	OP_SIGNAL,
	OP_ITIMER,
	OP_TIMER_CREATE,
	OP_TIMER_ID,
	OP_TIMER_SET,
	OP_TIMER_FIRE,
	OP_RSEQ,
	OP_ROBUST_LIST,
	OP_ALTSTACK,
	OP_COMM,
	OP_GROUPS,
	OP_IDS,
	OP_BOUNDING,
	OP_CAPS,
	OP_AMBIENT,
	OP_SECUREBITS,
	OP_NO_NEW_PRIVS,
	OP_PDEATH,
	OP_DUMPABLE,
	OP_POLICY,
	OP_AREA_POLICY,
	OP_SPECULATION,
	OP_TSC,
	OP_CPUID,
	OP_MCE_KILL,
	OP_IO_FLUSHER,
	OP_MDWE,
	OP_MEMORY_MERGE,
	OP_SEGMENT,
	OP_NR,
};

enum fill_state { FILL_PENDING, FILL_DONE, FILL_FAILED };

/* One per process that is created. */
struct restore_slot {
	int32_t pid;			   /* clone3(2) writes it before the child runs */
	uint32_t stage;			   /* enum restore_stage */
	int32_t uffd;			   /* a descriptor number of the task; -1: it was taken */
	uint32_t born_next;		   /* STAGE_PUT: number of the slot of the child that is forked next */
	uint32_t fill;			   /* futex, enum fill_state */
	uint64_t region_start, region_len; /* as in restorer_args */
	uint64_t sigchld_mask, no_time;	   /* addresses in the task of those in restorer_args */
	/* The blob's first error. */
	uint32_t op; /* enum restorer_op */
	int32_t err; /* -errno */
	int32_t err_tid;
	uint64_t arg[2]; /* what it was about: addresses, numbers */
};

/* Tasks wait until all PENDING have come. */
struct restore_barrier {
	uint32_t left; /* futex */
};

struct restore_shared {
	struct cr_error error;
	struct restore_barrier forked;	/* every process exists */
	struct restore_barrier grouped; /* and is in its process group */
	struct restore_barrier files;	/* and its descriptors are in place, where some tasks share a table */
	struct restore_barrier paths;	/* and none needs a path any more, where some tasks share their directories */
	struct restore_barrier memory;	/* and its memory */
	struct restore_barrier late_opened, late_fetched; /* late files (fd/fd.h), where there are any */
	uint32_t fault_stage;				  /* enum restore_stage that is made to fail */
	uint32_t committed;				  /* the tasks shall live, whatever becomes of the engine */
	uint64_t forked_us;				  /* when every process existed; monotonic clock */
	uint64_t nr_slots;
	struct restore_slot slots[];
};

#endif
