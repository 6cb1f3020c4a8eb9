/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/cow_segment.h"

#include <errno.h>
#include <linux/mman.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mem/vma.h"
#include "restore/mem_plan.h"

#define NOT_INHERITED                                                                                                  \
	(VMA_AREA_VSYSCALL | VMA_AREA_VDSO | VMA_AREA_VVAR | VMA_AREA_GUARD | VMA_AREA_SYSVIPC | VMA_AREA_SOCKET |     \
	 VMA_AREA_AIORING | VMA_AREA_MEMFD | VMA_AREA_SHSTK | VMA_AREA_UPROBES)
#define NOT_INHERITED_MADV (1ull << MADV_DONTFORK | 1ull << MADV_WIPEONFORK)
/*
 * Of what is advised to be huge each has huge pages of its own again (mem_plan.c), which is more than small ones that
 * are shared. Copies of a file's pages are small; file systems on DAX advise each mapping so.
 */
#define NOT_INHERITED_ANON (1ull << MADV_HUGEPAGE)
/* Larger areas that nobody may write are left alone: they would have to be writable, and be charged for. */
#define READ_ONLY_MAX (64ul << 20)

bool cow_kind_of(const VmaEntry *v, struct cow_kind *kind)
{
	bool anon = v->status & VMA_ANON_PRIVATE;

	/* The code of files may have uprobes, which have to be put in where it is mapped. */
	if (!anon && (v->prot & PROT_EXEC))
		return false;
	if (!(v->status & (VMA_ANON_PRIVATE | VMA_FILE_PRIVATE)) || (v->status & NOT_INHERITED) ||
	    (v->flags & (MAP_LOCKED | MAP_HUGETLB)) || (v->madv & NOT_INHERITED_MADV) ||
	    (anon && v->madv & NOT_INHERITED_ANON))
		return false;
	*kind = (struct cow_kind){
		.anon = anon,
		.flags = mem_plan_flags(v),
		.file = anon ? 0 : v->shmid,
		.origin = anon ? 0 : v->start - v->pgoff,
	};
	return true;
}

static int compare_kind(const struct cow_kind *a, const struct cow_kind *b)
{
	if (a->anon != b->anon)
		return a->anon - b->anon;
	if (a->flags != b->flags)
		return a->flags < b->flags ? -1 : 1;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return (a->origin > b->origin) - (a->origin < b->origin);
}

static int compare_areas(const void *pa, const void *pb)
{
	const struct cow_area *a = pa, *b = pb;
	int r = compare_kind(&a->kind, &b->kind);

	if (r)
		return r;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->owner > b->owner) - (a->owner < b->owner);
}

static int compare_segments(const void *pa, const void *pb)
{
	const struct cow_segment *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->nr < b->nr) - (a->nr > b->nr);
}

static bool useful(const struct cow_segment *s)
{
	return s->nr > 1 && (s->writable || s->end - s->start <= READ_ONLY_MAX);
}

/* Of sorted segments those that don't overlap; their number. */
static size_t keep_disjoint(struct cow_segment *segs, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++) {
		if (kept && segs[i].start < segs[kept - 1].end) {
			if (segs[i].nr > segs[kept - 1].nr)
				segs[kept - 1] = segs[i];
			continue;
		}
		segs[kept++] = segs[i];
	}
	return kept;
}

int cow_segments_make(struct cow_area *areas, size_t nr, struct cow_segment **ret, size_t *ret_nr)
{
	struct cow_segment *segs = calloc(nr / 2 + 1, sizeof(*segs)), s = { 0 };
	size_t n = 0;

	if (!segs)
		return -ENOMEM;
	qsort(areas, nr, sizeof(*areas), compare_areas);
	for (size_t i = 0; i < nr; i++) {
		const struct cow_area *a = &areas[i];

		if (s.nr && a->start < s.end && !compare_kind(&a->kind, &s.kind)) {
			s.nr++;
			s.end = a->end > s.end ? a->end : s.end;
			s.writable |= a->writable;
			continue;
		}
		if (useful(&s))
			segs[n++] = s;
		s = (struct cow_segment){ a->kind, a->start, a->end, i, 1, a->writable, 0, false };
	}
	if (useful(&s))
		segs[n++] = s;
	qsort(segs, n, sizeof(*segs), compare_segments);
	*ret = segs;
	*ret_nr = keep_disjoint(segs, n);
	return 0;
}
