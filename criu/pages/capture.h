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
	/*
	 * Has the task map FD (open read-write, SIZE bytes, MAP_SHARED), copy each run's pages to the
	 * run's offset with stores that pass the caches, order them (sfence), and unmap it. All runs are readable by
	 * the task. 0 only when every page was stored; else -errno, whatever was stored.
	 */
	int (*store)(void *arg, int fd, uint64_t size, const struct page_run_at *runs, size_t nr_runs);
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
