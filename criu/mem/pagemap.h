/* SPDX-License-Identifier: GPL-2.0 */
/* pagemap-*.img and pagemap-shmem-*.img: which page of a task or segment is where in the pages file. */
#ifndef CRIU_MEM_PAGEMAP_H
#define CRIU_MEM_PAGEMAP_H

#include <stdint.h>

#include "base/error.h"
#include "image/image.h"
#include "pages/run.h"

struct fam_set; /* fam/set.h */

struct pagemap {
	uint32_t pages_id;     /* pages-<pages_id>.img */
	struct page_run_at *v; /* ascending, aligned, not overlapping; all PE_PRESENT; owned; with FAM their
				  offsets have no order */
	size_t nr;
	uint64_t nr_pages; /* of all runs: the pages file holds at least that many */
};

/*
 * Writes the image: KIND is IMG_PAGEMAP (ID: pid) or IMG_SHMEM_PAGEMAP (ID: shmid). 0 or -errno (cr_fail).
 */
int pagemap_write(struct cr_ctx *ctx, int images_dirfd, enum image_kind kind, unsigned long id, uint32_t pages_id,
		  const struct page_run_list *runs);

/*
 * Reads and validates it: counts, order, alignment, address range, flags, and that pages-N.img is long enough, or that
 * FAM (fam/set.h; NULL: pages are in files) has a place for each page. Without FAM, a set with fam.img may lack the
 * file. -EINVAL for a damaged one, -ENOTSUP for pages in a parent image or pages that are not stored in the set,
 * -ENOENT without cr_fail when there is no such image. Free with pagemap_free().
 */
int pagemap_read(struct cr_ctx *ctx, int images_dirfd, struct fam_set *fam, enum image_kind kind, unsigned long id,
		 struct pagemap **ret);
void pagemap_free(struct pagemap **pagemap);

/* The index of the first run that ends above START (bytes); pagemap->nr when there is none. */
size_t pagemap_first(const struct pagemap *pagemap, uint64_t start);

#endif
