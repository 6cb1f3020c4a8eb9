/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the dump asks of the parasite, and where it puts the answers: plain data in the shared area.
 * One command runs at a time in one thread of the task; its result is 0 or -errno.
 */
#ifndef CRIU_PIE_PARASITE_H
#define CRIU_PIE_PARASITE_H

#include <stdint.h>

enum parasite_cmd {
	PARASITE_GET_TASK = 1, /* union parasite_args.task: what only the task itself can ask; and .areas */
	PARASITE_GET_MODES,    /* .areas: the same question about further areas */
	PARASITE_GET_POLICY,   /* .policy: the memory policy of the area at .policy.addr */
	PARASITE_GET_THREAD,   /* .thread: the same of the calling thread */
	PARASITE_GET_FD_FLAGS, /* .fd: flags of a descriptor, where nothing else tells them */
	PARASITE_GET_TIMERS,   /* .timers: the POSIX timers whose ids stand there */
	PARASITE_STORE_OPEN,   /* .store: a socket pair, over which the page image's descriptor is sent */
	PARASITE_STORE_RECV,   /* .store: takes that descriptor */
	PARASITE_STORE_PAGES,  /* .store: copies runs of pages into the mapped page image */
	PARASITE_STORE_CLOSE,  /* .store: closes what is open, unmaps what is mapped */
};

#define PARASITE_NSIG 64

/* The kernel's struct sigaction: sigaction(2), "C library/kernel differences". */
struct parasite_sigaction {
	uint64_t handler, flags, restorer, mask;
};

/* The kernel's struct itimerval: setitimer(2). */
struct parasite_itimer {
	int64_t interval_sec, interval_usec, value_sec, value_usec;
};

struct parasite_rlimit {
	uint64_t cur, max;
};

#define PARASITE_NR_RLIMITS 16

/* struct of set_mempolicy(2) and mbind(2): as many nodes as the kernel can be built for. */
#define PARASITE_NODE_WORDS 16
struct parasite_policy {
	uint64_t addr; /* of an area; unused for a thread's own */
	uint64_t nodes[PARASITE_NODE_WORDS];
	int32_t mode; /* with its flags; MPOL_DEFAULT is 0 */
	int32_t reserved;
};

/* In: addresses of areas. Out: areas[n] is 1 where area n has a memory policy of its own, else 0. */
#define PARASITE_MAX_AREAS 1024
struct parasite_areas {
	uint32_t nr, reserved;
	uint64_t areas[PARASITE_MAX_AREAS];
};

struct parasite_task {
	struct parasite_sigaction sigactions[PARASITE_NSIG]; /* [n] is signal n + 1; SIGKILL's and SIGSTOP's are zero */
	struct parasite_itimer itimers[3];		     /* ITIMER_REAL, _VIRTUAL, _PROF */
	struct parasite_rlimit rlimits[PARASITE_NR_RLIMITS];
	uint64_t brk;
	int32_t dumpable, child_subreaper;
	int32_t thp_disabled; /* PR_GET_THP_DISABLE: 1, and flags from Linux 6.18 on */
	uint32_t membarrier;  /* commands by which it is registered: membarrier(2); 0 before Linux 6.3 */
	int32_t mdwe;	      /* PR_GET_MDWE; 0 where the kernel has none of it, as of what follows */
	int32_t memory_merge; /* PR_GET_MEMORY_MERGE */
	int32_t has_ldt;      /* modify_ldt(2) */
	int32_t locks_future; /* mlockall(2) with MCL_FUTURE: our own memory is locked */
};

/* Store bypass, indirect branch, L1D flush: the numbers of prctl(2). */
#define PARASITE_NR_SPECULATION 3

struct parasite_thread {
	uint64_t tid_address; /* PR_GET_TID_ADDRESS */
	uint64_t altstack_sp, altstack_size;
	int32_t altstack_flags;
	int32_t securebits;
	int32_t pdeath_signal;
	uint32_t personality;
	uint64_t timer_slack, timer_slack_default;    /* ns; a real-time thread has 0 */
	int32_t ioprio;				      /* -errno where the kernel can't tell, as of what follows */
	int32_t speculation[PARASITE_NR_SPECULATION]; /* PR_GET_SPECULATION_CTRL */
	int32_t tsc;				      /* PR_GET_TSC */
	int32_t cpuid;				      /* ARCH_GET_CPUID: 0 where it faults */
	int32_t mce_kill;			      /* PR_MCE_KILL_GET */
	int32_t io_flusher;			      /* PR_GET_IO_FLUSHER; -EPERM without CAP_SYS_RESOURCE */
	int32_t session_keyring, process_keyring, thread_keyring; /* ids */
	struct parasite_policy policy;
};

struct parasite_timer {
	int32_t id;
	int32_t overrun; /* timer_getoverrun(2) */
	int64_t interval_sec, interval_nsec, value_sec, value_nsec;
	uint32_t runs; /* where own_clock is given: its clock goes on while the calling thread runs */
	uint32_t reserved;
};

#define PARASITE_MAX_TIMERS 192

struct parasite_timers {
	uint32_t nr;
	int32_t own_clock; /* of the calling thread, to compare timers with; 0: don't */
	struct parasite_timer v[PARASITE_MAX_TIMERS];
};

struct parasite_fd {
	int32_t nr;
	int32_t flags; /* F_GETFD of fcntl(2): FD_CLOEXEC or 0 */
};

struct parasite_run {
	uint64_t vaddr;	 /* bytes */
	uint64_t offset; /* bytes, in the page image */
	uint64_t length; /* bytes */
};

#define PARASITE_MAX_RUNS 512
/* Bytes of the page image that one command maps at most: what the task's resident memory grows by meanwhile. */
#define PARASITE_WINDOW (32ul << 20)

struct parasite_store {
	int32_t socket[2]; /* descriptors in the task, -1 when closed */
	int32_t image;	   /* likewise */
	uint32_t nr_runs;
	uint64_t map_offset, map_length; /* the window of the page image that this call maps */
	uint64_t room;			 /* address of the room that is taken for it, 0: none is */
	uint64_t room_length;
	struct parasite_run runs[PARASITE_MAX_RUNS];
	uint64_t zero[PARASITE_WINDOW / 4096 / 64]; /* out: bit N % 64 of [N / 64] where the runs' page N is all zero */
};

union parasite_args {
	struct {
		struct parasite_task task;
		struct parasite_areas areas;
	};
	struct parasite_thread thread;
	struct parasite_policy policy;
	struct parasite_fd fd;
	struct parasite_timers timers;
	struct parasite_store store;
};

#endif
