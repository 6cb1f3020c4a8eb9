/* SPDX-License-Identifier: GPL-2.0 */
/* Where pages come from when a task is restored: the counterpart of pages/sink.h. */
#ifndef CRIU_PAGES_SOURCE_H
#define CRIU_PAGES_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/opts.h"

#define SOURCE_LENDS_MEMORY (1u << 0) /* base is the whole content, readable */
#define SOURCE_HAS_FILE	    (1u << 1) /* fd can be given to pread(2) and mmap(2) */

struct page_source;

struct page_source_ops {
	const char *name;
	unsigned caps; /* SOURCE_* */
	/* Reads LEN bytes at OFFSET; several threads may. 0, -EIO when the content ends before, or -errno. */
	int (*read)(const struct page_source *src, uint64_t offset, void *buf, size_t len);
	/* Says that these bytes will be wanted soon; returns before they are there. Never fails. */
	void (*prefetch)(const struct page_source *src, uint64_t offset, uint64_t len);
	void (*close)(struct page_source *src); /* frees SRC */
};

struct page_source {
	const struct page_source_ops *ops;
	uint64_t size;	  /* bytes */
	int fd;		  /* with SOURCE_HAS_FILE: read-only */
	const char *base; /* with SOURCE_LENDS_MEMORY; may be set without */
	const char *seen; /* between source_look_begin() and source_look_end(); NULL: it can't be looked at */
};

/*
 * Opens pages-<pages_id>.img of the set, read by pread(2). The file must be a regular one.
 * 0 or -errno (cr_fail names the file). End it with source_close().
 */
int source_file_open(struct cr_ctx *ctx, int images_dirfd, uint32_t pages_id, struct page_source **ret);
/*
 * The same, mapped shared and read-only (nothing is populated before prefetch() says so). A file that
 * another process cuts meanwhile would be SIGBUS for whom reads base: give base to system calls only
 * (UFFDIO_COPY, process_vm_writev, write), which answer EFAULT.
 */
int source_mapped_open(struct cr_ctx *ctx, int images_dirfd, uint32_t pages_id, struct page_source **ret);
/* Mapped where the file is memory with large pages (DAX, tmpfs with huge ones), else read: what measures best. */
int source_open(struct cr_ctx *ctx, int images_dirfd, uint32_t pages_id, struct page_source **ret);
/*
 * --[no-]readahead for all of SRC; call it once, early. TRI_AUTO is what measures best: a file is declared to be
 * read in sequence, a mapped one is populated. TRI_YES starts reading all of a file too, TRI_NO does nothing.
 */
void source_readahead(const struct page_source *src, enum tristate wanted);
/*
 * For who wants to see a little of each page rather than copy it: maps all of SRC, if it is a file without holes
 * (looking at a hole of tmpfs makes a page). Where it can't be, SEEN stays NULL, and one has to read.
 */
void source_look_begin(struct page_source *src);
/*
 * Makes LEN bytes at OFFSET, both of whole pages, ready to be looked at: at SEEN + OFFSET. 0, or -EIO where a page
 * can't be had (but a file that is cut between that and the look is SIGBUS: look while nothing is at stake).
 */
int source_look(const struct page_source *src, uint64_t offset, size_t len);
void source_look_end(struct page_source *src);
/* Closes and forgets; NULL is fine. */
void source_close(struct page_source **src);

#endif
