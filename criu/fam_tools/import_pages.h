/* SPDX-License-Identifier: GPL-2.0 */
/* The pages of an ordinary set on their way into a checkpoint. */
#ifndef CRIU_FAM_TOOLS_IMPORT_PAGES_H
#define CRIU_FAM_TOOLS_IMPORT_PAGES_H

#include "fam/layout.h"
#include "fam_tools/set.h"

/* Of one pagemap. */
struct import_pages {
	struct page_run_list runs; /* what is stored, zero pages left out */
	uint64_t *starts;	   /* where areas begin, ascending; owned */
	size_t nr_starts;
};

/* Reads the pages of MAP's pages image, and the areas. 0 or -errno (cr_fail). import_pages_free() in any case. */
int import_pages_find(struct cr_ctx *ctx, int images_dirfd, const struct set_pagemap *map, struct import_pages *ret);
void import_pages_free(struct import_pages *pages);

/* What of the content will be written, as fam_checkpoint_create() wants it. Free *RET. 0 or -errno. */
int import_pages_used(const struct fam_layout *layout, const struct set_pagemaps *maps,
		      const struct import_pages *pages, struct fam_range **ret, size_t *ret_nr);
/* Copies the pages into the new CP. 0 or -errno (cr_fail). */
int import_pages_copy(struct fam_checkpoint *cp, const struct fam_layout *layout, int images_dirfd,
		      const struct pagemap *map, const struct import_pages *pages);
/* Sets the checksums of all extents, from what stands in CP. */
void import_pages_checksum(const struct fam_checkpoint *cp, struct fam_layout *layout, const struct set_pagemaps *maps,
			   const struct import_pages *pages);

#endif
