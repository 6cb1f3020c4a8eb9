/* SPDX-License-Identifier: GPL-2.0 */
/* The dump side of the page path: capture -> sink. */
#ifndef CRIU_PAGES_PUMP_H
#define CRIU_PAGES_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/opts.h"
#include "pages/capture.h"
#include "pages/run.h"

struct pages_dump_args {
	struct cr_ctx *ctx;
	int images_dirfd;
	uint32_t pages_id;		  /* the file becomes pages-<pages_id>.img */
	const struct page_run_list *runs; /* the PE_PRESENT ones are stored, in their order, without gaps */
	enum page_mode mode;		  /* opts->page_mode */
	enum capture_method capture;	  /* opts->capture; CAPTURE_AUTO chooses */

	pid_t pid;	    /* of the stopped task whose pages they are */
	int procfd;	    /* its /proc/PID; not used when memory is given */
	const void *memory; /* not NULL: the pages are ours, at memory + run.vaddr (a shared segment that we mapped) */

	unsigned nr_threads;			 /* 0: as many as measures best */
	const struct capture_inject_ops *inject; /* NULL: no parasite, CAPTURE_INJECT fails by name */
	void *inject_arg;
	int (*cancelled)(void *arg); /* asked between chunks; not 0 ends the capture with that -errno. May be NULL */
	void *cancelled_arg;
};

struct pages_dump_result {
	uint64_t nr_pages; /* stored */
	uint64_t open_us;  /* sizing, allocating and mapping the sink */
	uint64_t copy_us;
	uint64_t sync_us;	    /* flushing, unmapping, cutting */
	const char *sink, *capture; /* their names, for the log; static */
	unsigned nr_threads;
};

/*
 * Stores the pages; when it returns 0 they are complete (and durable with PAGES_PMEM). When it fails nothing of the
 * pages file is left. Writes no pagemap image: see mem/pagemap.h. With no PE_PRESENT page the file is made, empty.
 * 0 or -errno, explained by cr_fail.
 */
int pages_dump(const struct pages_dump_args *args, struct pages_dump_result *ret);

#endif
