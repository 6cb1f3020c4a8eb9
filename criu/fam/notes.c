/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fam/crc32c.h"

int fam_notes_reserve(struct fam_notes *notes, size_t more)
{
	size_t room = notes->room ? 2 * notes->room : more;
	struct fam_note *v;

	if (notes->room - notes->nr >= more)
		return 0;
	if (room < notes->nr + more)
		room = notes->nr + more;
	v = reallocarray(notes->v, room, sizeof(*v));
	if (!v)
		return -ENOMEM;
	notes->v = v;
	notes->room = room;
	return 0;
}

void fam_note_zero(struct fam_notes *notes, size_t source, uint64_t vaddr)
{
	struct fam_note *last = notes->nr ? &notes->v[notes->nr - 1] : NULL;

	notes->nr_zero++;
	if (last && !last->is_sum && last->source == source && last->vaddr + last->len == vaddr)
		last->len += RUN_PAGE_SIZE;
	else
		notes->v[notes->nr++] = (struct fam_note){ source, vaddr, RUN_PAGE_SIZE, 0, false };
}

void fam_note_sum(struct fam_notes *notes, size_t source, uint64_t vaddr, uint32_t crc, uint64_t len)
{
	notes->v[notes->nr++] = (struct fam_note){ source, vaddr, len, crc, true };
}

int fam_notes_move(struct fam_notes *from, struct fam_notes *to)
{
	int r = fam_notes_reserve(to, from->nr);

	if (r)
		return r;
	if (from->nr)
		memcpy(to->v + to->nr, from->v, from->nr * sizeof(*from->v));
	to->nr += from->nr;
	to->nr_zero += from->nr_zero;
	from->nr = from->nr_zero = 0;
	return 0;
}

void fam_notes_free(struct fam_notes *notes)
{
	free(notes->v);
	*notes = (struct fam_notes){ 0 };
}

static int compare(const void *pa, const void *pb)
{
	const struct fam_note *a = pa, *b = pb;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return (a->vaddr > b->vaddr) - (a->vaddr < b->vaddr);
}

/* RUN without the zero pages from *NOTE on, which goes behind those that end in it. */
static int keep_rest(const struct page_run *run, const struct fam_note **note, const struct fam_note *end,
		     struct page_run_list *stored)
{
	uint64_t at = run->vaddr, run_end = at + (run->nr_pages << RUN_PAGE_SHIFT);
	int r = 0;

	while (at < run_end && !r) {
		uint64_t from = run_end, to = run_end;

		while (*note < end && ((*note)->is_sum || (*note)->vaddr + (*note)->len <= at))
			++*note;
		if (*note < end && (*note)->vaddr < run_end) {
			from = (*note)->vaddr > at ? (*note)->vaddr : at;
			to = (*note)->vaddr + (*note)->len;
		}
		r = page_run_add(stored, at, (from - at) >> RUN_PAGE_SHIFT, run->flags, false);
		at = to;
	}
	return r;
}

static void add_sum(struct fam_layout *layout, uint32_t pages_id, const struct fam_note *note)
{
	/* Pieces lie in one extent each, and come in order. */
	struct fam_extent *e = (struct fam_extent *)fam_layout_first(layout, pages_id, note->vaddr);

	e->crc32c = fam_crc32c_join(e->crc32c, note->crc, note->len);
}

int fam_notes_apply(struct fam_notes *notes, struct fam_source *sources, size_t nr, struct fam_layout *layout,
		    bool sums)
{
	const struct fam_note *note = notes->v, *end;
	int r = 0;

	if (notes->nr)
		qsort(notes->v, notes->nr, sizeof(*notes->v), compare);
	end = notes->v + notes->nr;
	for (size_t i = 0; sums && i < layout->nr; i++)
		layout->v[i].has_crc = true;
	for (size_t i = 0; i < nr && !r; i++) {
		const struct page_run_list *runs = sources[i].runs;
		const struct fam_note *last = note, *zero = note;

		for (; last < end && last->source == i; last++)
			if (last->is_sum)
				add_sum(layout, sources[i].pages_id, last);
		for (size_t k = 0; k < runs->nr && !r; k++)
			r = keep_rest(&runs->v[k], &zero, last, &sources[i].stored);
		note = last;
	}
	return r;
}
