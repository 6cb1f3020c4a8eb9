/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks that store their pages into a checkpoint themselves, one at a time, for the thread that traces them. Inner to
 * fam/store.
 */
#ifndef CRIU_FAM_BY_TASK_H
#define CRIU_FAM_BY_TASK_H

#include "fam/store.h"

#define FAM_BY_TASK_MAX (32ul << 20) /* bytes that one call may store */

struct fam_by_task {
	struct cr_ctx *ctx;	   /* borrowed */
	struct fam_checkpoint *cp; /* borrowed */
	bool on;
	bool must;		  /* what a task can't store is an error, not somebody else's work */
	struct fam_source *begun; /* whose task has the file; NULL */
	uint64_t nr_pages;	  /* stored so far */
};

/* Nothing that must be stored by tasks can't be: 0, else -EOPNOTSUPP (cr_fail). */
int fam_by_task_check(const struct fam_by_task *by_task, const struct fam_source *sources, size_t nr);
/* Should the source's task store pages? */
bool fam_by_task_can(const struct fam_by_task *by_task, const struct fam_source *source);
/*
 * RUNS: of SOURCE, which can; ascending by offset; FAM_BY_TASK_MAX bytes at most. ZERO: see struct capture_inject_ops.
 * 0; 1: they have to be stored in another way, and so have all others of the source; -errno (cr_fail).
 */
int fam_by_task_store(struct fam_by_task *by_task, struct fam_source *source, const struct page_run_at *runs, size_t nr,
		      uint64_t *zero);
/* No task keeps anything. 0 or -errno (cr_fail). */
int fam_by_task_end(struct fam_by_task *by_task);

#endif
