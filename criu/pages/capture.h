/* SPDX-License-Identifier: GPL-2.0 */
/* Ways to get a stopped task's pages into a sink. pages/pump.h chooses among them. */
#ifndef CRIU_PAGES_CAPTURE_H
#define CRIU_PAGES_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pages/run.h"
#include "pages/sink.h"

/*
 * The task's own code (the parasite) that can store into the sink's file. pages/ does not know how: who has
 * a parasite gives this table.
 */
struct capture_inject_ops {
	/* The task gets FD, which is open read-write. 0 or -errno: end() has to follow, whatever it is. */
	int (*begin)(void *arg, int fd);
	/*
	 * It maps the file (MAP_SHARED), piece by piece, and copies each run's pages to the run's offset with stores
	 * that pass the caches; they are ordered (sfence) on return. RUNS ascend by offset; the task may read them all.
	 * ZERO, unless it is NULL: bit N % 64 of zero[N / 64] is set, else cleared, where their page N is all zero; it
	 * is stored all the same. 0 only when every page was stored; else -errno, whatever was stored, and the task is
	 * unharmed: the pages may be had in another way.
	 */
	int (*store)(void *arg, const struct page_run_at *runs, size_t nr, uint64_t *zero);
	/* Takes from the task all that it got. 0 or -errno. */
	int (*end)(void *arg);
};

struct capture {
	struct cr_ctx *ctx;
	pid_t pid;			/* the stopped task */
	int procfd;			/* of /proc/PID */
	const void *memory;		/* or: copy from our own memory at memory + run.vaddr */
	const struct page_run_at *runs; /* only such that are PE_PRESENT, offsets ascending */
	size_t nr_runs;
	unsigned nr_threads;	     /* >= 1 */
	int (*cancelled)(void *arg); /* asked between chunks; may be NULL */
	void *cancelled_arg;
};

/*
 * The RUN_FORCE runs alone, by pread(2) of /proc/PID/mem (proc_pid_mem(5)), which overrides the task's own
 * protection. For the thread that traces the task: kernels may allow it to nobody else.
 */
int capture_forced(const struct capture *c, struct page_sink *sink);
/* By process_vm_readv(2) straight into lent memory, NR_THREADS threads; then capture_forced(). */
int capture_vmread(const struct capture *c, struct page_sink *sink);
/* By the task itself; then capture_forced(). The sink has SINK_HAS_FILE. */
int capture_inject(const struct capture *c, struct page_sink *sink, const struct capture_inject_ops *ops, void *arg);

#endif
