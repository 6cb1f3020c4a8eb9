/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where captured pages go. A sink is asked what it can do, never what it is; Documentation/howto/add-a-sink.md
 * tells how to add one. Its content is addressed by byte offset, so that several threads may fill it at once.
 */
#ifndef CRIU_PAGES_SINK_H
#define CRIU_PAGES_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/opts.h"

#define SINK_LENDS_MEMORY (1u << 0) /* lend() gives memory that is the medium itself */
#define SINK_DURABLE	  (1u << 1) /* when finish() has returned, a power cut loses nothing */
#define SINK_HAS_FILE	  (1u << 2) /* fd may be mapped shared by another process to fill it */

struct page_sink;

struct page_sink_ops {
	const char *name;
	unsigned caps; /* SINK_* */
	/*
	 * Memory for LEN bytes at OFFSET of the content, valid until finish or abort. Only with SINK_LENDS_MEMORY.
	 * May be called by several threads. 0 or -errno.
	 */
	int (*lend)(struct page_sink *sink, uint64_t offset, size_t len, void **ret);
	/* Stores LEN bytes at OFFSET; several threads may. 0 or -errno. */
	int (*write)(struct page_sink *sink, uint64_t offset, const void *buf, size_t len);
	/* Everything was stored: flushes, gives the medium back. The sink is freed whatever it returns. 0 or -errno. */
	int (*finish)(struct page_sink *sink);
	/* Gives up: what was stored is removed. The sink is freed. */
	void (*abort)(struct page_sink *sink);
};

struct page_sink {
	const struct page_sink_ops *ops;
	struct cr_ctx *ctx; /* borrowed */
	uint64_t size;	    /* bytes, fixed when it was opened */
	int fd;		    /* with SINK_HAS_FILE: borrow it; else -1 */
};

struct sink_args {
	struct cr_ctx *ctx;
	int images_dirfd;
	uint32_t pages_id; /* pages-<pages_id>.img */
	uint64_t size;	   /* bytes of the content; a multiple of the page size, may be 0 */
};

/*
 * pages-N.img filled by pwrite(2). An old file of that name is emptied. 0 or -errno (cr_fail says which file).
 */
int sink_file_open(const struct sink_args *args, struct page_sink **ret);
/*
 * pages-N.img mapped shared (through libpmem, with MAP_SYNC where the file system is DAX). The pages of an old file are
 * used again, missing ones are allocated before anything is copied: a full disk is an error here, not a SIGBUS later.
 */
int sink_mapped_open(const struct sink_args *args, struct page_sink **ret);
/* The one that MODE asks for. */
int sink_open(enum page_mode mode, const struct sink_args *args, struct page_sink **ret);

#endif
