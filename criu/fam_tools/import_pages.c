/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/import_pages.h"

#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "fam/crc32c.h"
#include "fam/guard.h"
#include "mm.pb-c.h"
#include "pages/source.h"
#include "pages/task_read.h"

#define PIECE (1ul << 20)

/* Where a page that isn't stored reads as zeroes: in segments, and in private anonymous memory. */
static bool may_drop(const struct set_pagemap *map, uint32_t flags)
{
	return map->kind == IMG_SHMEM_PAGEMAP || flags & PE_LAZY;
}

/* A huge page with a page missing would come back as small ones. */
static bool wants_huge(const struct import_pages *pages, uint64_t vaddr)
{
	size_t low = 0, high = pages->nr_huge;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (pages->huge[mid].end > vaddr)
			high = mid;
		else
			low = mid + 1;
	}
	return low < pages->nr_huge && pages->huge[low].start <= vaddr;
}

static int find_in_run(const struct page_source *src, const struct page_run_at *run, bool drop, char *buf,
		       struct import_pages *pages)
{
	uint64_t len = run->nr_pages << RUN_PAGE_SHIFT;
	struct page_run_list *ret = &pages->runs;

	if (!drop)
		return page_run_add(ret, run->vaddr, run->nr_pages, run->flags, true);
	for (uint64_t at = 0; at < len;) {
		size_t n = len - at < PIECE ? len - at : PIECE;
		int err = src->ops->read(src, run->offset + at, buf, n);

		for (size_t page = 0; page < n && !err; page += RUN_PAGE_SIZE)
			if (!page_is_zero(buf + page) || wants_huge(pages, run->vaddr + at + page))
				err = page_run_add(ret, run->vaddr + at + page, 1, run->flags, true);
		if (err)
			return err;
		at += n;
	}
	return 0;
}

/* Those out of order are passed over: no right set has any. */
static void add_huge(struct import_pages *pages, const VmaEntry *vma)
{
	uint64_t end = pages->nr_huge ? pages->huge[pages->nr_huge - 1].end : 0;

	if (vma->has_madv && vma->madv & 1ull << MADV_HUGEPAGE && vma->start >= end && vma->end > vma->start)
		pages->huge[pages->nr_huge++] = (struct import_area){ vma->start, vma->end };
}

/* Extents follow areas where the set tells them in order; else they follow the pages alone, which is as right. */
static int find_areas(int images_dirfd, const struct set_pagemap *map, struct import_pages *ret)
{
	_cleanup_image_message_ ProtobufCMessage *msg = NULL;
	const MmEntry *mm;
	int err;

	if (map->kind != IMG_PAGEMAP)
		return 0;
	err = image_read_single(images_dirfd, IMG_MM, &msg, map->id);
	if (err)
		return err;
	mm = (const MmEntry *)msg;
	ret->starts = calloc(mm->n_vmas + 1, sizeof(*ret->starts));
	ret->huge = calloc(mm->n_vmas + 1, sizeof(*ret->huge));
	if (!ret->starts || !ret->huge)
		return -ENOMEM;
	for (size_t i = 0; i < mm->n_vmas; i++)
		add_huge(ret, mm->vmas[i]);
	for (size_t i = 0; i < mm->n_vmas; i++)
		if (!ret->nr_starts || mm->vmas[i]->start > ret->starts[ret->nr_starts - 1])
			ret->starts[ret->nr_starts++] = mm->vmas[i]->start;
	return 0;
}

int import_pages_find(struct cr_ctx *ctx, int images_dirfd, const struct set_pagemap *map, struct import_pages *ret)
{
	_cleanup_free_ char *buf = malloc(PIECE);
	struct page_source *src = NULL;
	int err = buf ? 0 : -ENOMEM;

	*ret = (struct import_pages){ 0 };
	if (!err)
		err = find_areas(images_dirfd, map, ret);
	if (err)
		return cr_fail_errno(ctx, err, "Can't read the areas of process %lu", map->id);
	if (map->map->nr)
		err = source_file_open(ctx, images_dirfd, map->map->pages_id, &src);
	for (size_t i = 0; i < map->map->nr && !err; i++)
		err = find_in_run(src, &map->map->v[i], may_drop(map, map->map->v[i].flags), buf, ret);
	source_close(&src);
	return err ? cr_fail_errno(ctx, err, "Can't read the pages image %u", map->map->pages_id) : 0;
}

void import_pages_free(struct import_pages *pages)
{
	page_run_list_free(&pages->runs);
	free(pages->starts);
	free(pages->huge);
	*pages = (struct import_pages){ 0 };
}

/* The set's runs are at least as long: each piece is part of one, or of several that follow each other. */
static int copy_piece(struct fam_checkpoint *cp, const struct page_source *src, const struct pagemap *map,
		      const struct page_run_at *piece)
{
	uint64_t vaddr = piece->vaddr, offset = piece->offset, len = piece->nr_pages << RUN_PAGE_SHIFT;

	while (len) {
		const struct page_run_at *run = &map->v[pagemap_first(map, vaddr)];
		uint64_t skip = vaddr - run->vaddr, n = (run->nr_pages << RUN_PAGE_SHIFT) - skip;
		int err;

		n = n < len ? n : len;
		err = src->ops->read(src, run->offset + skip, cp->base + offset, n);
		if (err)
			return err;
		vaddr += n;
		offset += n;
		len -= n;
	}
	return 0;
}

int import_pages_copy(struct fam_checkpoint *cp, const struct fam_source *source, int images_dirfd,
		      const struct pagemap *map)
{
	struct page_source *src = NULL;
	int err = 0;

	if (!source->nr_placed)
		return 0;
	err = source_file_open(cp->pool->ctx, images_dirfd, map->pages_id, &src);
	if (err)
		return err;
	for (size_t i = 0; i < source->nr_placed && !err; i++)
		err = copy_piece(cp, src, map, &source->placed[i]);
	source_close(&src);
	return err ? cr_fail_errno(cp->pool->ctx, err, "Can't copy the pages image %u", map->pages_id) : 0;
}

struct summing {
	const struct fam_checkpoint *cp;
	const struct fam_source *source;
	struct fam_layout *layout;
};

static int sum(void *arg)
{
	const struct summing *s = arg;

	for (size_t i = 0; i < s->source->nr_placed; i++) {
		const struct page_run_at *piece = &s->source->placed[i];
		const struct fam_extent *found = fam_layout_first(s->layout, s->source->pages_id, piece->vaddr);
		struct fam_extent *e = &s->layout->v[found - s->layout->v];

		e->crc32c = fam_crc32c(e->has_crc ? e->crc32c : 0, s->cp->base + piece->offset,
				       piece->nr_pages << RUN_PAGE_SHIFT);
		e->has_crc = true;
	}
	return 0;
}

int import_pages_checksum(const struct fam_checkpoint *cp, const struct fam_source *source, struct fam_layout *layout)
{
	struct summing s = { cp, source, layout };
	int err = fam_guarded(sum, &s);

	return err ? cr_fail_errno(cp->pool->ctx, err, "Can't read what was stored in the pool %s", cp->pool->path) : 0;
}
