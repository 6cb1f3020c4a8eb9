/* SPDX-License-Identifier: GPL-2.0 */
/* Where the pages of a dump go, before any of them is copied. */
#include <errno.h>
#include <stdlib.h>

#include "fam/store.h"

static int place_run(struct fam_source *s, const struct fam_layout *layout, const struct page_run *run, size_t *room)
{
	uint64_t at = run->vaddr, end = at + (run->nr_pages << RUN_PAGE_SHIFT);

	while (at < end) {
		uint64_t offset, len;
		int r = fam_layout_find(layout, s->pages_id, at, end - at, &offset, &len);

		if (r)
			return r;
		if (s->nr_placed == *room) {
			size_t more = *room ? 2 * *room : s->runs->nr;
			struct page_run_at *v = reallocarray(s->placed, more, sizeof(*v));

			if (!v)
				return -ENOMEM;
			s->placed = v;
			*room = more;
		}
		s->placed[s->nr_placed++] = (struct page_run_at){ at, len >> RUN_PAGE_SHIFT, offset, run->flags };
		at += len;
	}
	return 0;
}

int fam_source_place(struct fam_source *source, const struct fam_layout *layout)
{
	size_t room = 0;
	int r = 0;

	for (size_t i = 0; i < source->runs->nr && !r; i++)
		if (source->runs->v[i].flags & PE_PRESENT)
			r = place_run(source, layout, &source->runs->v[i], &room);
	return r;
}

void fam_sources_free(struct fam_source *sources, size_t nr)
{
	for (size_t i = 0; sources && i < nr; i++) {
		free(sources[i].placed);
		page_run_list_free(&sources[i].stored);
	}
	free(sources);
}

static int by_offset(const void *pa, const void *pb)
{
	const struct fam_range *a = pa, *b = pb;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

int fam_sources_used(const struct fam_source *sources, size_t nr, struct fam_range **ret, size_t *ret_nr)
{
	size_t room = 0, n = 0, out = 0;
	struct fam_range *v;

	for (size_t i = 0; i < nr; i++)
		room += sources[i].nr_placed;
	v = calloc(room + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < sources[i].nr_placed; k++) {
			const struct page_run_at *p = &sources[i].placed[k];

			v[n++] = (struct fam_range){ p->offset, p->nr_pages << RUN_PAGE_SHIFT };
		}
	qsort(v, n, sizeof(*v), by_offset);
	for (size_t i = 1; i < n; i++) {
		if (v[out].offset + v[out].len == v[i].offset)
			v[out].len += v[i].len;
		else
			v[++out] = v[i];
	}
	*ret = v;
	*ret_nr = n ? out + 1 : 0;
	return 0;
}
