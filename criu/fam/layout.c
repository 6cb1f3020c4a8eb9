/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/layout.h"

#include <errno.h>
#include <stdlib.h>

/* Absent pages between two runs of an extent: where they are holes only addresses are lost, and there are enough. */
#define HOLE_MAX      (1ull << 30)
#define ALL_HOLES_MAX (4ull << 40)
/* Where they take room one more extent is cheaper than a large gap, and all of them than an eighth of the pages. */
#define FILLER_MAX	FAM_ALIGN
#define FILLER_FRACTION 8
/* No file system and no address space needs more. */
#define CONTENT_MAX (1ull << 46)

static int new_extent(struct fam_layout *layout, uint32_t pages_id, uint64_t vaddr)
{
	if (layout->nr == layout->room) {
		size_t room = layout->room ? 2 * layout->room : 64;
		struct fam_extent *v = reallocarray(layout->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		layout->v = v;
		layout->room = room;
	}
	layout->v[layout->nr++] = (struct fam_extent){ .pages_id = pages_id, .vaddr = vaddr };
	return 0;
}

static bool spans(const struct fam_layout *layout, uint64_t gap)
{
	if (layout->holes)
		return gap <= HOLE_MAX && layout->absent <= ALL_HOLES_MAX - gap;
	return gap <= FILLER_MAX && layout->absent + gap <= layout->present / FILLER_FRACTION;
}

/* Appends pages of one area; FRESH: the first of that area. */
static int add_piece(struct fam_layout *layout, uint32_t pages_id, uint64_t vaddr, uint64_t len, bool fresh)
{
	struct fam_extent *last = layout->nr ? &layout->v[layout->nr - 1] : NULL;

	layout->present += len;
	if (!fresh) {
		uint64_t gap = vaddr - (last->vaddr + last->len);

		if (spans(layout, gap)) {
			layout->absent += gap;
			last->len += gap + len;
			return 0;
		}
	}
	if (new_extent(layout, pages_id, vaddr))
		return -ENOMEM;
	layout->v[layout->nr - 1].len = len;
	return 0;
}

int fam_layout_add(struct fam_layout *layout, uint32_t pages_id, const struct page_run_list *runs,
		   const uint64_t *starts, size_t nr_starts)
{
	bool fresh = true;
	size_t next = 0;

	for (size_t i = 0; i < runs->nr; i++) {
		uint64_t at = runs->v[i].vaddr, end = at + (runs->v[i].nr_pages << RUN_PAGE_SHIFT);

		if (!(runs->v[i].flags & PE_PRESENT))
			continue;
		if (at & (RUN_PAGE_SIZE - 1) || runs->v[i].nr_pages > FAM_VADDR_MAX >> RUN_PAGE_SHIFT || end <= at ||
		    end > FAM_VADDR_MAX)
			return -EINVAL;
		while (at < end) {
			uint64_t to = end;
			int r;

			for (; next < nr_starts && starts[next] <= at; next++)
				fresh = true;
			if (next < nr_starts && starts[next] < end)
				to = starts[next];
			r = add_piece(layout, pages_id, at, to - at, fresh);
			if (r)
				return r;
			fresh = false;
			at = to;
		}
	}
	return 0;
}

static int compare(const void *pa, const void *pb)
{
	const struct fam_extent *a = pa, *b = pb;

	if (a->pages_id != b->pages_id)
		return a->pages_id < b->pages_id ? -1 : 1;
	return (a->vaddr > b->vaddr) - (a->vaddr < b->vaddr);
}

static bool holds_large_page(const struct fam_extent *e)
{
	uint64_t first = (e->vaddr + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1);

	return first + FAM_ALIGN <= e->vaddr + e->len;
}

int fam_layout_place(struct fam_layout *layout)
{
	uint64_t at = 0;

	if (layout->nr > FAM_EXTENTS_MAX)
		return -EFBIG;
	if (layout->nr)
		qsort(layout->v, layout->nr, sizeof(*layout->v), compare);
	for (int large = 0; large <= 1; large++)
		for (size_t i = 0; i < layout->nr; i++) {
			struct fam_extent *e = &layout->v[i];

			if (holds_large_page(e) != large)
				continue;
			if (large)
				at += (e->vaddr - at) & (FAM_ALIGN - 1);
			if (e->len > CONTENT_MAX || at > CONTENT_MAX - e->len)
				return -EFBIG;
			e->offset = at;
			at += e->len;
		}
	layout->size = (at + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1);
	return 0;
}

void fam_layout_free(struct fam_layout *layout)
{
	free(layout->v);
	*layout = (struct fam_layout){ 0 };
}

const struct fam_extent *fam_layout_first(const struct fam_layout *layout, uint32_t pages_id, uint64_t vaddr)
{
	size_t low = 0, high = layout->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct fam_extent *e = &layout->v[mid];

		if (e->pages_id < pages_id || (e->pages_id == pages_id && e->vaddr + e->len <= vaddr))
			low = mid + 1;
		else
			high = mid;
	}
	return low < layout->nr && layout->v[low].pages_id == pages_id ? &layout->v[low] : NULL;
}

int fam_layout_find(const struct fam_layout *layout, uint32_t pages_id, uint64_t vaddr, uint64_t len,
		    uint64_t *ret_offset, uint64_t *ret_len)
{
	const struct fam_extent *e = fam_layout_first(layout, pages_id, vaddr);
	uint64_t skip;

	if (!e || e->vaddr > vaddr)
		return -ENOENT;
	skip = vaddr - e->vaddr;
	*ret_offset = e->offset + skip;
	*ret_len = e->len - skip < len ? e->len - skip : len;
	return 0;
}
