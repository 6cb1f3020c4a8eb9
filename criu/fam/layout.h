/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the pages of areas lie in a checkpoint's content. An extent is one piece of an area's address range (or of a
 * shared segment's offsets) at consecutive offsets, whether all its pages are stored or not, so that one mmap(2) maps
 * it. Where it holds a whole aligned 2 MiB, offset - vaddr is a multiple of 2 MiB, for large pages; smaller ones are
 * packed page by page and stand in front of the large ones, so that little room is lost between them. Pure.
 */
#ifndef CRIU_FAM_LAYOUT_H
#define CRIU_FAM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fam/pool.h"
#include "pages/run.h"

#define FAM_ALIGN (2ul << 20)
/* fam.img is one entry: with these it stays below IMAGE_ENTRY_MAX and IMAGE_UNPACKED_MAX (image/image.h). */
#define FAM_EXTENTS_MAX (1u << 22)
/* No page has a higher address, with five levels of page tables either, nor a higher offset in its segment. */
#define FAM_VADDR_MAX (1ull << 57)

struct fam_extent {
	uint32_t pages_id; /* of the pagemap whose pages these are */
	uint64_t vaddr;	   /* bytes; the first page's */
	uint64_t len;	   /* bytes */
	uint64_t offset;   /* bytes, in the content */
	uint32_t crc32c;   /* of its stored pages, in order; with has_crc */
	bool has_crc;
};

/* Ascending by pages_id and vaddr once fam_layout_place() was called. Zeroed is empty. */
struct fam_layout {
	struct fam_extent *v; /* owned */
	size_t nr, room;
	uint64_t size; /* bytes of content, a multiple of FAM_ALIGN: set by fam_layout_place() */
	bool holes;    /* the pool has FAM_CAP_HOLES: else absent pages cost room, and large gaps split extents */
	uint64_t present, absent; /* bytes that fam_layout_add() has put into extents */
};

/*
 * Appends extents for the PE_PRESENT ones of RUNS, all of one pagemap: one for each area, from its first to its last
 * such page, but gaps that are too large (fam_layout.holes) split it. STARTS, NR_STARTS of them, ascending, are where
 * areas begin; none for a segment. 0; -EINVAL for impossible runs; -ENOMEM.
 */
int fam_layout_add(struct fam_layout *layout, uint32_t pages_id, const struct page_run_list *runs,
		   const uint64_t *starts, size_t nr_starts);
/* All were added: gives each its offset. 0; -EFBIG: the content would be too large, or has too many extents. */
int fam_layout_place(struct fam_layout *layout);
void fam_layout_free(struct fam_layout *layout);

/* The first extent of PAGES_ID that ends above VADDR; NULL: there is none. The next ones stand behind it. */
const struct fam_extent *fam_layout_first(const struct fam_layout *layout, uint32_t pages_id, uint64_t vaddr);
/*
 * The offset of VADDR's page and how many bytes from there on, at most LEN, are in one piece; -ENOENT: no extent has
 * it.
 */
int fam_layout_find(const struct fam_layout *layout, uint32_t pages_id, uint64_t vaddr, uint64_t len,
		    uint64_t *ret_offset, uint64_t *ret_len);

#endif
