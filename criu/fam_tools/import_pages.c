/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/import_pages.h"

#include <string.h>

#include "base/io.h"
#include "fam/crc32c.h"
#include "mm.pb-c.h"
#include "pages/source.h"

#define PIECE (1ul << 20)

static bool is_zero(const char *page)
{
	return !*page && !memcmp(page, page + 1, RUN_PAGE_SIZE - 1);
}

/* Where a page that isn't stored reads as zeroes: in segments, and in private anonymous memory. */
static bool may_drop(const struct set_pagemap *map, uint32_t flags)
{
	return map->kind == IMG_SHMEM_PAGEMAP || flags & PE_LAZY;
}

static int find_in_run(const struct page_source *src, const struct page_run_at *run, bool drop, char *buf,
		       struct page_run_list *ret)
{
	uint64_t len = run->nr_pages << RUN_PAGE_SHIFT;

	if (!drop)
		return page_run_add(ret, run->vaddr, run->nr_pages, run->flags, true);
	for (uint64_t at = 0; at < len;) {
		size_t n = len - at < PIECE ? len - at : PIECE;
		int err = src->ops->read(src, run->offset + at, buf, n);

		for (size_t page = 0; page < n && !err; page += RUN_PAGE_SIZE)
			if (!is_zero(buf + page))
				err = page_run_add(ret, run->vaddr + at + page, 1, run->flags, true);
		if (err)
			return err;
		at += n;
	}
	return 0;
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
	if (!ret->starts)
		return -ENOMEM;
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
	if (!err && map->map->nr)
		err = source_file_open(ctx, images_dirfd, map->map->pages_id, &src);
	for (size_t i = 0; i < map->map->nr && !err; i++)
		err = find_in_run(src, &map->map->v[i], may_drop(map, map->map->v[i].flags), buf, &ret->runs);
	source_close(&src);
	if (err)
		return cr_fail_errno(ctx, err, "Can't read the pages image %u", map->map->pages_id);
	err = find_areas(images_dirfd, map, ret);
	return err ? cr_fail_errno(ctx, err, "Can't read the areas of process %lu", map->id) : 0;
}

void import_pages_free(struct import_pages *pages)
{
	page_run_list_free(&pages->runs);
	free(pages->starts);
	*pages = (struct import_pages){ 0 };
}

/* Calls EACH for every piece of PAGES that lies in one extent, until it returns not 0. */
static int each_piece(const struct fam_layout *layout, uint32_t pages_id, const struct import_pages *pages,
		      int (*each)(void *arg, uint64_t vaddr, uint64_t offset, uint64_t len), void *arg)
{
	for (size_t i = 0; i < pages->runs.nr; i++) {
		uint64_t at = pages->runs.v[i].vaddr, end = at + (pages->runs.v[i].nr_pages << RUN_PAGE_SHIFT);

		while (at < end) {
			uint64_t offset, n;
			int err = fam_layout_find(layout, pages_id, at, end - at, &offset, &n);

			err = err ?: each(arg, at, offset, n);
			if (err)
				return err;
			at += n;
		}
	}
	return 0;
}

/* ---- what will be written ------------------------------------------------------------------------------------ */

struct ranges {
	struct fam_range *v;
	size_t nr, room;
};

static int add_range(void *arg, uint64_t vaddr, uint64_t offset, uint64_t len)
{
	struct ranges *ranges = arg;

	if (ranges->nr == ranges->room) {
		size_t room = ranges->room ? 2 * ranges->room : 64;
		struct fam_range *v = reallocarray(ranges->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		ranges->v = v;
		ranges->room = room;
	}
	ranges->v[ranges->nr++] = (struct fam_range){ offset, len };
	return 0;
}

static int compare_ranges(const void *pa, const void *pb)
{
	const struct fam_range *a = pa, *b = pb;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

int import_pages_used(const struct fam_layout *layout, const struct set_pagemaps *maps,
		      const struct import_pages *pages, struct fam_range **ret, size_t *ret_nr)
{
	struct ranges ranges = { 0 };
	size_t nr = 0;
	int err = 0;

	for (size_t i = 0; i < maps->nr && !err; i++)
		err = each_piece(layout, maps->v[i].map->pages_id, &pages[i], add_range, &ranges);
	if (err) {
		free(ranges.v);
		return err;
	}
	if (ranges.nr)
		qsort(ranges.v, ranges.nr, sizeof(*ranges.v), compare_ranges);
	for (size_t i = 0; i < ranges.nr; i++) {
		if (nr && ranges.v[nr - 1].offset + ranges.v[nr - 1].len == ranges.v[i].offset)
			ranges.v[nr - 1].len += ranges.v[i].len;
		else
			ranges.v[nr++] = ranges.v[i];
	}
	*ret = ranges.v;
	*ret_nr = nr;
	return 0;
}

/* ---- the copy ------------------------------------------------------------------------------------------------ */

struct copying {
	struct fam_checkpoint *cp;
	const struct page_source *src;
	const struct pagemap *map;
};

/* The set's runs are at least as long: each piece is part of one, or of several that follow each other. */
static int copy_piece(void *arg, uint64_t vaddr, uint64_t offset, uint64_t len)
{
	struct copying *c = arg;

	while (len) {
		const struct page_run_at *run = &c->map->v[pagemap_first(c->map, vaddr)];
		uint64_t skip = vaddr - run->vaddr, n = (run->nr_pages << RUN_PAGE_SHIFT) - skip;
		int err;

		n = n < len ? n : len;
		err = c->src->ops->read(c->src, run->offset + skip, c->cp->base + offset, n);
		if (err)
			return err;
		vaddr += n;
		offset += n;
		len -= n;
	}
	return 0;
}

int import_pages_copy(struct fam_checkpoint *cp, const struct fam_layout *layout, int images_dirfd,
		      const struct pagemap *map, const struct import_pages *pages)
{
	struct copying c = { .cp = cp, .map = map };
	struct page_source *src = NULL;
	int err;

	if (!pages->runs.nr)
		return 0;
	err = source_file_open(cp->pool->ctx, images_dirfd, map->pages_id, &src);
	if (err)
		return err;
	c.src = src;
	err = each_piece(layout, map->pages_id, pages, copy_piece, &c);
	source_close(&src);
	return err ? cr_fail_errno(cp->pool->ctx, err, "Can't copy the pages image %u", map->pages_id) : 0;
}

struct summing {
	const struct fam_checkpoint *cp;
	struct fam_layout *layout;
	uint32_t pages_id;
};

static int sum_piece(void *arg, uint64_t vaddr, uint64_t offset, uint64_t len)
{
	struct summing *s = arg;
	const struct fam_extent *found = fam_layout_first(s->layout, s->pages_id, vaddr);
	struct fam_extent *e = &s->layout->v[found - s->layout->v];

	e->crc32c = fam_crc32c(e->has_crc ? e->crc32c : 0, s->cp->base + offset, len);
	e->has_crc = true;
	return 0;
}

void import_pages_checksum(const struct fam_checkpoint *cp, struct fam_layout *layout, const struct set_pagemaps *maps,
			   const struct import_pages *pages)
{
	for (size_t i = 0; i < maps->nr; i++) {
		struct summing s = { .cp = cp, .layout = layout, .pages_id = maps->v[i].map->pages_id };

		each_piece(layout, s.pages_id, &pages[i], sum_piece, &s);
	}
}
