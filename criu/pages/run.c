/* SPDX-License-Identifier: GPL-2.0 */
#include "pages/run.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"

int page_run_add(struct page_run_list *list, uint64_t vaddr, uint64_t nr_pages, uint32_t flags, int may_join)
{
	struct page_run *last = list->nr ? &list->v[list->nr - 1] : NULL;
	uint64_t last_end = last ? last->vaddr + (last->nr_pages << RUN_PAGE_SHIFT) : 0;

	cr_assert(vaddr >= last_end);
	if (!nr_pages)
		return 0;
	if (last && may_join && last_end == vaddr && last->flags == flags) {
		last->nr_pages += nr_pages;
	} else {
		if (list->nr == list->room) {
			size_t room = list->room ? list->room * 2 : 64;
			struct page_run *v = reallocarray(list->v, room, sizeof(*v));

			if (!v)
				return -ENOMEM;
			list->v = v;
			list->room = room;
		}
		list->v[list->nr++] = (struct page_run){ .vaddr = vaddr, .nr_pages = nr_pages, .flags = flags };
	}
	if (flags & PE_PRESENT)
		list->nr_present += nr_pages;
	return 0;
}

void page_run_list_free(struct page_run_list *list)
{
	free(list->v);
	*list = (struct page_run_list){};
}
