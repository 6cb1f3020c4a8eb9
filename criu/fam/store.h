/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Getting the pages of stopped tasks and of shared segments into a new checkpoint: all of them together, by several
 * threads, each page to where the layout has its place.
 */
#ifndef CRIU_FAM_STORE_H
#define CRIU_FAM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/opts.h"
#include "fam/layout.h"
#include "fam/pool.h"
#include "pages/capture.h"
#include "pages/run.h"

/* The pages of one pagemap. */
struct fam_source {
	uint32_t pages_id;
	const struct page_run_list *runs;	 /* the PE_PRESENT ones are stored; borrowed */
	pid_t pid;				 /* of the stopped task whose pages they are */
	int procfd;				 /* its /proc/PID; not used when memory is given */
	const void *memory;			 /* not NULL: the pages are ours, at memory + run.vaddr */
	const struct capture_inject_ops *inject; /* NULL: no parasite */
	void *inject_arg;
	bool may_inject; /* whether it is asked for or not: nobody will see what that does to the task */

	/* RUNS with their places, none over several extents: by fam_source_place(). Owned. */
	struct page_run_at *placed;
	size_t nr_placed;
	/*
	 * RUNS without the pages that were found to be all zero, where a missing page reads as zero too: anonymous ones
	 * (PE_LAZY, but not RUN_ZEROS) and those of segments. By fam_store(). Owned.
	 */
	struct page_run_list stored;
};

/* By LAYOUT, which has extents for all of its pages. 0 or -errno. */
int fam_source_place(struct fam_source *source, const struct fam_layout *layout);
/* Frees what is owned; NULL is fine. */
void fam_sources_free(struct fam_source *sources, size_t nr);
/* What of the content the placed pages of all take, as fam_checkpoint_create() wants it. Free *RET. 0 or -ENOMEM. */
int fam_sources_used(const struct fam_source *sources, size_t nr, struct fam_range **ret, size_t *ret_nr);

struct fam_store_args {
	struct cr_ctx *ctx;
	struct fam_checkpoint *cp;  /* new */
	struct fam_layout *layout;  /* with VERIFY its extents get their checksums */
	struct fam_source *sources; /* placed; by ascending pages_id */
	size_t nr;
	unsigned nr_threads; /* 0: as many as measures best */
	enum capture_method capture;
	bool verify;
	int (*cancelled)(void *arg); /* asked between chunks; not 0 ends it with that -errno. May be NULL */
	void *cancelled_arg;
};

struct fam_store_stats {
	uint64_t nr_pages;   /* stored */
	uint64_t nr_zero;    /* left out */
	uint64_t nr_by_task; /* that tasks have stored themselves, zero ones too */
	uint64_t us;
	const char *way; /* of the others, for the log; static */
	unsigned nr_threads;
};

/*
 * Copies them. For the thread that traces the tasks. Nothing is flushed: fam_checkpoint_flush(). 0 or -errno, explained
 * by cr_fail.
 */
int fam_store(const struct fam_store_args *args, struct fam_store_stats *ret);

#endif
