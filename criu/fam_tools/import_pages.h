/* SPDX-License-Identifier: GPL-2.0 */
/* The pages of an ordinary set on their way into a checkpoint. */
#ifndef CRIU_FAM_TOOLS_IMPORT_PAGES_H
#define CRIU_FAM_TOOLS_IMPORT_PAGES_H

#include "fam/layout.h"
#include "fam/store.h"
#include "fam_tools/set.h"

struct import_area {
	uint64_t start, end;
};

/* Of one pagemap. */
struct import_pages {
	struct page_run_list runs; /* what is stored, zero pages left out */
	uint64_t *starts;	   /* where areas begin, ascending; owned */
	size_t nr_starts;
	struct import_area *huge; /* areas that want huge pages, ascending; owned */
	size_t nr_huge;
};

/* Reads the pages of MAP's pages image, and the areas. 0 or -errno (cr_fail). import_pages_free() in any case. */
int import_pages_find(struct cr_ctx *ctx, int images_dirfd, const struct set_pagemap *map, struct import_pages *ret);
void import_pages_free(struct import_pages *pages);

/* Copies the pages of SOURCE (placed) into the new CP. 0 or -errno (cr_fail). */
int import_pages_copy(struct fam_checkpoint *cp, const struct fam_source *source, int images_dirfd,
		      const struct pagemap *map);
/* Sets the checksums of the extents that SOURCE has pages in, from what stands in CP. 0; -EIO: bad memory (cr_fail). */
int import_pages_checksum(const struct fam_checkpoint *cp, const struct fam_source *source, struct fam_layout *layout);

#endif
