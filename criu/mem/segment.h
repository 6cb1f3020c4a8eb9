/* SPDX-License-Identifier: GPL-2.0 */
/* The stored content of a piece of shared memory: pagemap-shmem-SHMID.img and its pages. */
#ifndef CRIU_MEM_SEGMENT_H
#define CRIU_MEM_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "mem/pagemap.h"
#include "pages/source.h"

struct segment_pages {
	uint64_t shmid;
	struct pagemap *pagemap;
	struct page_source *source; /* NULL: there are no pages */
	bool no_readahead;	    /* --no-readahead: set by the caller, once they are read */
};

/*
 * Reads and checks the pagemap and opens the pages, of FAM or of a file (NULL). segment_pages_free() in any case. 0 or
 * -errno (cr_fail); -ENOENT if there is no pagemap image.
 */
int segment_pages_read(struct cr_ctx *ctx, int images_dirfd, struct fam_set *fam, uint64_t shmid,
		       struct segment_pages *ret);
/* Where the last stored page ends, in bytes; 0 without pages. */
uint64_t segment_pages_end(const struct segment_pages *pages);
/* Reads the pages straight into MEMORY, a mapping of at least segment_pages_end() bytes. 0 or -errno. */
int segment_pages_fill(struct cr_ctx *ctx, const struct segment_pages *pages, char *memory);
/* The same into the file FD, whose size is set; holes stay holes. 0 or -errno. */
int segment_pages_fill_file(struct cr_ctx *ctx, const struct segment_pages *pages, int fd);
void segment_pages_free(struct segment_pages *pages);

#endif
