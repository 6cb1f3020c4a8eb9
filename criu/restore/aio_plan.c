/* SPDX-License-Identifier: GPL-2.0 */
/* AIO contexts: what the restorer has to know of each before its ring's pages are there. */
#include "pie/aio_ring.h"
#include "restore/mem_plan.h"

static int read_head(struct cr_ctx *ctx, pid_t pid, uint64_t addr, const struct pagemap *pm,
		     const struct page_source *src, struct aio_ring_head *ret)
{
	size_t i = pm && src ? pagemap_first(pm, addr) : 0;
	int err;

	if (!pm || !src || i == pm->nr || pm->v[i].vaddr > addr)
		return cr_fail(ctx, -EBADMSG, "Task %d: the AIO ring at %#llx has no pages", pid,
			       (unsigned long long)addr);
	err = src->ops->read(src, pm->v[i].offset + (addr - pm->v[i].vaddr), ret, sizeof(*ret));
	return err ? cr_fail_errno(ctx, err, "Can't read the AIO ring of task %d", pid) : 0;
}

int mem_plan_rings(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm, const struct pagemap *pagemap,
		   const struct page_source *src, struct mem_plan *plan)
{
	if (!mm->n_aios)
		return 0;
	plan->rings = calloc(mm->n_aios, sizeof(*plan->rings));
	if (!plan->rings)
		return -ENOMEM;
	for (size_t i = 0; i < plan->nr_areas; i++) {
		struct plan_area *area = &plan->areas[i];
		struct aio_ring_head ring;
		int err;

		if (!(area->how & PLAN_AREA_RING))
			continue;
		err = read_head(ctx, pid, area->start, pagemap, src, &ring);
		if (err)
			return err;
		if (!aio_ring_sane(&ring, area->len))
			return cr_fail(ctx, -EBADMSG, "Task %d: the AIO ring at %#llx is damaged", pid,
				       (unsigned long long)area->start);
		plan->rings[plan->nr_rings] = (struct plan_ring){
			.addr = area->start,
			.len = area->len,
			.madv = area->madv,
			.nr_requests = mm->aios[plan->nr_rings]->nr_req,
			.head = ring.head,
			.nr_unread = (ring.tail + ring.nr - ring.head) % ring.nr,
		};
		plan->nr_rings++;
		area->madv = 0;
	}
	return 0;
}
