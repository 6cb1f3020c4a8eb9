/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filling the memory of tasks that are being restored, from outside: UFFDIO_COPY out of a page source, by a few
 * threads that serve all tasks. userfaultfd(2), ioctl_userfaultfd(2).
 */
#ifndef CRIU_RESTORE_FILL_H
#define CRIU_RESTORE_FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "pages/run.h"
#include "pages/source.h"
#include "pie/plan.h"

/* One task's pages. Must stay as it is until done() was called. */
struct fill_job {
	int uffd;			/* its areas are registered for missing pages; borrowed */
	pid_t pid;			/* whose memory it is: runs that are RUN_POPULATED are written to */
	const struct page_run_at *runs; /* borrowed; ascending; none crosses from one area (VMA) into the next */
	size_t nr_runs;			/* vaddr: where in the task; offset: where in SRC */
	struct page_source *src;	/* borrowed; several jobs may use one */
	/* Areas without a policy of their own take memory by that of who fills them: the task's; NULL: ours. Borrowed.
	 */
	const struct plan_policy *policy;
	/*
	 * Called by one of the threads when all pages are there (0) or no thread works on them any more (-errno,
	 * explained by cr_fail). May be NULL.
	 */
	void (*done)(struct fill_job *job, int result);
	void *arg; /* the caller's */

	/* The filler's own; zero when submitted. */
	size_t next_run;
	uint64_t next_page; /* of that run */
	unsigned nr_busy;   /* threads */
	int result;
	struct fill_job *next;
};

struct fill_stats {
	uint64_t nr_pages;
	uint64_t busy_us; /* of all threads together */
};

struct fill;

/*
 * Starts the threads (NR_THREADS 0: as many as measures best). All signals are blocked in them. Call it after the
 * root task was created: who clones from a process with threads can't use malloc(3). 0 or -errno.
 */
int fill_start(struct cr_ctx *ctx, unsigned nr_threads, struct fill **ret);
/* Queues a job. With no pages at all, done() is called at once, by the caller. */
void fill_submit(struct fill *fill, struct fill_job *job);
/* Waits until all jobs ended, ends the threads, frees *FILL. The first error of all jobs, or 0. STATS may be NULL. */
int fill_finish(struct fill **fill, struct fill_stats *stats);
/* The same without waiting for what is queued: running chunks end, then done() is called with -ECANCELED. */
void fill_cancel(struct fill **fill);

enum fill_way {
	FILL_PREAD,   /* the restorer reads the pages itself: small plans */
	FILL_OUTSIDE, /* UFFDIO_COPY by the engine */
	FILL_LAZY,    /* by the pager, when the tasks run (pager/pager.h); what can't be so is read */
};
/* Which way is faster for one task with BYTES of pages out of SRC: measured, Documentation/design/page-path.md. */
enum fill_way fill_choose(uint64_t bytes, const struct page_source *src);

#endif
