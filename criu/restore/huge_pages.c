/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/huge_pages.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "mem/hugetlb.h"

static bool is_private_huge(const VmaEntry *v)
{
	return (v->flags & MAP_HUGETLB) && (v->status & (VMA_ANON_PRIVATE | VMA_FILE_PRIVATE));
}

/* Bytes of V's pages in the images. */
static uint64_t stored_bytes(const VmaEntry *v, const struct pagemap *pm)
{
	uint64_t bytes = 0;

	for (size_t i = pm ? pagemap_first(pm, v->start) : 0; pm && i < pm->nr && pm->v[i].vaddr < v->end; i++) {
		uint64_t start = pm->v[i].vaddr, end = start + pm->v[i].nr_pages * RUN_PAGE_SIZE;

		bytes += (end < v->end ? end : v->end) - (start > v->start ? start : v->start);
	}
	return bytes;
}

int check_huge_pages(struct restore *r)
{
	_cleanup_free_ struct hugetlb_need *needs = NULL;
	size_t nr = 0, n = 0;
	struct task *t;

	for_each_task (&r->tree, t)
		for (size_t i = 0; restore_of(t)->mm && i < restore_of(t)->mm->n_vmas; i++)
			nr += is_private_huge(restore_of(t)->mm->vmas[i]);
	if (!nr)
		return 0;
	needs = calloc(nr, sizeof(*needs));
	if (!needs)
		return -ENOMEM;
	for_each_task (&r->tree, t) {
		for (size_t i = 0; restore_of(t)->mm && i < restore_of(t)->mm->n_vmas; i++) {
			const VmaEntry *v = restore_of(t)->mm->vmas[i];

			if (!is_private_huge(v))
				continue;
			/* mmap(2) sets them aside; else they are taken when they are filled. */
			needs[n++] = (struct hugetlb_need){
				v->flags & (MAP_HUGETLB | HUGETLB_SIZE_MASK),
				v->flags & MAP_NORESERVE ? stored_bytes(v, restore_of(t)->pagemap) : v->end - v->start,
			};
		}
	}
	return hugetlb_check_free(&r->ctx, needs, nr);
}
