/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/mem_plan.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)
#define FLAGS_KEPT                                                                                                     \
	(MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_NORESERVE | MAP_HUGETLB | MAP_STACK |          \
	 ((uint32_t)MAP_HUGE_MASK << MAP_HUGE_SHIFT))
/* Advice that sticks to an area and doesn't touch its content. */
#define MADV_KEPT                                                                                                      \
	(1ull << MADV_RANDOM | 1ull << MADV_SEQUENTIAL | 1ull << MADV_DONTFORK | 1ull << MADV_MERGEABLE |              \
	 1ull << MADV_HUGEPAGE | 1ull << MADV_NOHUGEPAGE | 1ull << MADV_DONTDUMP | 1ull << MADV_WIPEONFORK)
#define UNSUPPORTED_AREAS (VMA_AREA_SOCKET | VMA_AREA_SHSTK)
/* The kernel makes those of uprobes itself, when one is hit. */
#define SPECIAL_AREAS (VMA_AREA_VSYSCALL | VMA_AREA_VDSO | VMA_AREA_VVAR | VMA_AREA_UPROBES)

#define HUGE_SIZE (2ull << 20)

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

/* Room for one more element of SIZE bytes in *V. */
static int grow(void *v, size_t nr, size_t *room, size_t size)
{
	size_t want = *room ? 2 * *room : 64;
	void *p;

	if (nr < *room)
		return 0;
	p = reallocarray(*(void **)v, want, size);
	if (!p)
		return -ENOMEM;
	*(void **)v = p;
	*room = want;
	return 0;
}

static int add_read(struct mem_plan *plan, uint64_t vaddr, uint64_t len, uint64_t offset)
{
	struct plan_read *last = plan->nr_reads ? &plan->reads[plan->nr_reads - 1] : NULL;
	int err;

	if (!last || plan->reads_end != offset || last->nr_iovs == PLAN_IOV_MAX) {
		err = grow(&plan->reads, plan->nr_reads, &plan->room_reads, sizeof(*plan->reads));
		if (err)
			return err;
		last = &plan->reads[plan->nr_reads++];
		*last = (struct plan_read){ .offset = offset, .first_iov = plan->nr_iovs };
	}
	err = grow(&plan->iovs, plan->nr_iovs, &plan->room_iovs, sizeof(*plan->iovs));
	if (err)
		return err;
	plan->iovs[plan->nr_iovs++] = (struct plan_iov){ vaddr, len };
	plan->reads_end = offset + len;
	last->nr_iovs++;
	return 0;
}

static int add_fill(struct mem_plan *plan, uint64_t from, uint64_t to, uint64_t offset, uint32_t flags)
{
	int err;

	if (from == to)
		return 0;
	err = grow(&plan->fill_runs, plan->nr_fill_runs, &plan->room_fill_runs, sizeof(*plan->fill_runs));
	if (!err)
		plan->fill_runs[plan->nr_fill_runs++] =
			(struct page_run_at){ from, (to - from) >> RUN_PAGE_SHIFT, offset, PE_PRESENT | flags };
	return err;
}

/* Locked memory is there before anything runs, and what a child finds wiped must not come to it by a fault. */
static bool may_be_lazy(const VmaEntry *v)
{
	return (v->status & VMA_ANON_PRIVATE) && !(v->flags & (MAP_HUGETLB | MAP_LOCKED)) &&
	       !(v->madv & 1ull << MADV_WIPEONFORK);
}

static int plan_lazy(struct mem_plan *plan, uint64_t from, uint64_t to, uint64_t offset, struct plan_area *area)
{
	int err = grow(&plan->lazy_runs, plan->nr_lazy_runs, &plan->room_lazy_runs, sizeof(*plan->lazy_runs));

	if (!err)
		plan->lazy_runs[plan->nr_lazy_runs++] =
			(struct page_run_at){ from, (to - from) >> RUN_PAGE_SHIFT, offset, PE_PRESENT };
	area->how |= PLAN_AREA_UFFD;
	return err;
}

static bool wants_huge(const VmaEntry *v, enum huge_mode mode)
{
	bool advised = v->madv & 1ull << MADV_HUGEPAGE, advised_against = v->madv & 1ull << MADV_NOHUGEPAGE;

	return mode != HUGE_NEVER && !advised_against && (advised || mode == HUGE_ALWAYS);
}

static bool fills_from_outside(const VmaEntry *v)
{
	return (v->status & VMA_ANON_PRIVATE) && !(v->flags & MAP_HUGETLB);
}

/*
 * Whole huge pages are populated by the task before any content comes: UFFDIO_COPY makes small pages only, and a huge
 * page of which some small pages are not stored would take memory that the task hadn't. *FIRST to *END are those in
 * FROM to TO, both TO if there are none.
 */
static int plan_huge(struct mem_plan *plan, const VmaEntry *v, enum huge_mode mode, uint64_t from, uint64_t to,
		     struct plan_area *area, uint64_t *first, uint64_t *end)
{
	int err;

	*first = (from + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	*end = to & ~(HUGE_SIZE - 1);
	if (!fills_from_outside(v) || !wants_huge(v, mode) || *first >= *end) {
		*first = *end = to;
		return 0;
	}
	err = grow(&plan->huge, plan->nr_huge, &plan->room_huge, sizeof(*plan->huge));
	if (err)
		return err;
	plan->huge[plan->nr_huge++] = (struct plan_iov){ *first, *end - *first };
	if (!(v->prot & PROT_WRITE))
		area->how |= PLAN_AREA_WRITABLE;
	return 0;
}

static int plan_fill(struct mem_plan *plan, const VmaEntry *v, enum huge_mode mode, uint64_t from, uint64_t to,
		     uint64_t offset, struct plan_area *area)
{
	uint64_t first, end;
	int err = plan_huge(plan, v, mode, from, to, area, &first, &end);

	if (from < first || end < to)
		area->how |= PLAN_AREA_UFFD;
	if (!err)
		err = add_fill(plan, from, first, offset, 0);
	if (!err)
		err = add_fill(plan, first, end, offset + (first - from), RUN_POPULATED);
	return err ?: add_fill(plan, end, to, offset + (end - from), 0);
}

static int plan_read(struct mem_plan *plan, const VmaEntry *v, enum huge_mode mode, uint64_t from, uint64_t to,
		     uint64_t offset, struct plan_area *area)
{
	uint64_t first, end;
	int err = plan_huge(plan, v, mode, from, to, area, &first, &end);

	/* Where all are huge anyway, advised or not, it stays as the kernel does it. */
	if ((from < first || end < to) && mode == HUGE_ADVISED && v->madv & 1ull << MADV_HUGEPAGE)
		area->how |= PLAN_AREA_SMALL;
	if (!(v->prot & PROT_WRITE))
		area->how |= PLAN_AREA_WRITABLE;
	return err ?: add_read(plan, from, to - from, offset);
}

/* How far the pages have been planned. */
struct cursor {
	size_t run;
	uint64_t next; /* in that run */
};

static int no_area(struct cr_ctx *ctx, pid_t pid, uint64_t vaddr)
{
	return cr_fail(ctx, -EINVAL, "pagemap-%d.img has pages at %#llx, where no area can have them", pid,
		       (unsigned long long)vaddr);
}

/* The pages of V. AREA NULL: they are no pages to restore. */
static int plan_pages(struct cr_ctx *ctx, pid_t pid, const VmaEntry *v, const struct pagemap *pm, struct cursor *at,
		      enum fill_way way, enum huge_mode huge, struct mem_plan *plan, struct plan_area *area)
{
	while (pm && at->run < pm->nr) {
		const struct page_run_at *r = &pm->v[at->run];
		uint64_t end = r->vaddr + r->nr_pages * RUN_PAGE_SIZE;
		uint64_t from = r->vaddr > at->next ? r->vaddr : at->next;
		uint64_t to = end < v->end ? end : v->end;
		uint64_t offset = r->offset + (from - r->vaddr);
		int err = 0;

		if (from >= v->end)
			break;
		if (from < v->start || !(v->status & (VMA_ANON_PRIVATE | VMA_FILE_PRIVATE | VMA_AREA_AIORING)))
			return no_area(ctx, pid, from);
		if (area && way == FILL_OUTSIDE && fills_from_outside(v)) {
			err = plan_fill(plan, v, huge, from, to, offset, area);
		} else if (area && way == FILL_LAZY && may_be_lazy(v)) {
			err = plan_lazy(plan, from, to, offset, area);
		} else if (area) {
			err = plan_read(plan, v, huge, from, to, offset, area);
		}
		if (err)
			return err;
		plan->nr_pages += (to - from) >> RUN_PAGE_SHIFT;
		at->next = to;
		if (to == end)
			at->run++;
	}
	return 0;
}

/* What is mapped shared can be made writable later only if the file was opened so. */
static bool maps_for_writing(const VmaEntry *v)
{
	return (v->status & VMA_FILE_SHARED) && (!v->has_fdflags || (v->fdflags & O_ACCMODE) != O_RDONLY);
}

/* One more, of no file. */
static int add_area(struct mem_plan *plan, struct plan_area **ret)
{
	size_t room = plan->room_areas;
	int err = grow(&plan->areas, plan->nr_areas, &plan->room_areas, sizeof(*plan->areas));

	if (!err)
		err = grow(&plan->files, plan->nr_areas, &room, sizeof(*plan->files));
	if (err)
		return err;
	plan->files[plan->nr_areas] = (struct area_file){ AREA_ANON, 0 };
	*ret = &plan->areas[plan->nr_areas++];
	return 0;
}

uint32_t mem_plan_flags(const VmaEntry *v)
{
	uint32_t flags = v->flags & FLAGS_KEPT;

	if (v->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED | VMA_ANON_SHARED | VMA_AREA_MEMFD))
		return flags & ~MAP_ANONYMOUS;
	return flags | MAP_ANONYMOUS;
}

static int plan_area(struct cr_ctx *ctx, pid_t pid, const VmaEntry *v, struct mem_plan *plan)
{
	struct plan_area *area;
	struct area_file *file;
	int err;

	if (v->status & UNSUPPORTED_AREAS)
		return cr_fail(ctx, -EOPNOTSUPP, "Task %d: the area at %#llx has kind %#x: this isn't supported", pid,
			       (unsigned long long)v->start, v->status);
	if (v->madv & ~MADV_KEPT)
		return cr_fail(ctx, -EOPNOTSUPP, "Task %d: the area at %#llx has advice %#llx: this isn't supported",
			       pid, (unsigned long long)v->start, (unsigned long long)v->madv);
	err = add_area(plan, &area);
	if (err)
		return err;
	file = &plan->files[plan->nr_areas - 1];
	file->id = v->shmid;
	if (v->status & VMA_AREA_MEMFD)
		*file = (struct area_file){ AREA_MEMFD, v->shmid, maps_for_writing(v) };
	else if (v->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED))
		*file = (struct area_file){ AREA_FILE, v->shmid, v->has_fdflags && maps_for_writing(v) };
	else if (v->status & VMA_ANON_SHARED)
		file->kind = v->status & VMA_AREA_SYSVIPC ? AREA_SYSV : AREA_SEGMENT;
	*area = (struct plan_area){
		.start = v->start,
		.len = v->end - v->start,
		.pgoff = file->kind == AREA_ANON ? 0 : v->pgoff,
		.madv = v->madv,
		.prot = v->prot & PROT_ALL,
		.flags = mem_plan_flags(v),
		.fd = -1,
		.how = v->flags & MAP_LOCKED ? PLAN_AREA_LOCK : 0,
	};
	if (file->kind == AREA_SYSV) {
		area->how |= PLAN_AREA_ATTACH;
		if (v->has_fdflags && (v->fdflags & O_ACCMODE) == O_RDONLY)
			area->how |= PLAN_AREA_READONLY;
	}
	if (v->status & VMA_AREA_AIORING) {
		area->flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
		area->prot = PROT_NONE;
		area->how |= PLAN_AREA_RING;
	}
	return 0;
}

/* The areas stand before all guard regions. NULL: none holds ADDR. */
static struct plan_area *find_area(struct mem_plan *plan, uint64_t addr)
{
	size_t low = 0, high = plan->nr_areas - plan->nr_guards;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (plan->areas[mid].start + plan->areas[mid].len <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < plan->nr_areas - plan->nr_guards && plan->areas[low].start <= addr ? &plan->areas[low] : NULL;
}

static int plan_guard(struct cr_ctx *ctx, pid_t pid, const VmaEntry *v, struct mem_plan *plan)
{
	struct plan_area *area;
	int err;

	for (uint64_t at = v->start; at < v->end; at = area->start + area->len) {
		area = find_area(plan, at);
		if (!area)
			return cr_fail(ctx, -EBADMSG, "Task %d: there is no area for the guard region at %#llx", pid,
				       (unsigned long long)at);
		area->how |= PLAN_AREA_GUARDED;
	}
	err = add_area(plan, &area);
	if (err)
		return err;
	plan->nr_guards++;
	*area = (struct plan_area){ .start = v->start, .len = v->end - v->start, .fd = -1, .how = PLAN_AREA_GUARD };
	return 0;
}

void mem_plan_extra(const MmExtraEntry *extra, struct mem_plan *plan)
{
	for (size_t i = 0; i < extra->n_areas; i++) {
		const AreaExtra *e = extra->areas[i];
		struct plan_area *area = find_area(plan, e->start);

		if (e->flags & MM_EXTRA_ONFAULT)
			area->how |= PLAN_AREA_ONFAULT;
		if (e->flags & MM_EXTRA_SEALED)
			area->how |= PLAN_AREA_SEAL;
		if (e->flags & MM_EXTRA_DROPPABLE)
			area->flags = (area->flags & ~MAP_TYPE) | MAP_DROPPABLE;
	}
}

int mem_plan_areas(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm, const struct pagemap *pagemap, enum fill_way way,
		   enum huge_mode huge, struct mem_plan *plan)
{
	struct cursor at = { 0 };
	int err = 0;

	for (size_t i = 0; i < mm->n_vmas && !err; i++) {
		const VmaEntry *v = mm->vmas[i];
		bool special = v->status & SPECIAL_AREAS;

		if (v->status & VMA_AREA_GUARD) {
			err = plan_guard(ctx, pid, v, plan);
			continue;
		}
		if (!special)
			err = plan_area(ctx, pid, v, plan);
		if (!err)
			err = plan_pages(ctx, pid, v, pagemap, &at, way, huge, plan,
					 special ? NULL : &plan->areas[plan->nr_areas - 1]);
	}
	if (!err && pagemap && at.run < pagemap->nr)
		err = no_area(ctx, pid, pagemap->v[at.run].vaddr);
	return err;
}

void mem_plan_free(struct mem_plan *plan)
{
	free(plan->areas);
	free(plan->files);
	free(plan->reads);
	free(plan->iovs);
	free(plan->rings);
	free(plan->huge);
	free(plan->fill_runs);
	free(plan->lazy_runs);
	free(plan->proxy);
	*plan = (struct mem_plan){ 0 };
}

static bool overlaps(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

int mem_plan_gap(const MmEntry *mm, const struct mem_plan *plan, uint64_t task_size, uint64_t len, uint64_t *addr)
{
	bool moved = true;

	while (moved) {
		moved = false;
		if (*addr >= task_size || task_size - *addr < len)
			return -ENOMEM;
		for (size_t i = 0; i < mm->n_vmas; i++)
			if (overlaps(*addr, len, mm->vmas[i]->start, mm->vmas[i]->end - mm->vmas[i]->start)) {
				*addr = mm->vmas[i]->end;
				moved = true;
			}
		for (size_t i = 0; i < plan->nr_moves; i++)
			if (plan->moves[i].to && overlaps(*addr, len, plan->moves[i].to, plan->moves[i].len)) {
				*addr = plan->moves[i].to + plan->moves[i].len;
				moved = true;
			}
	}
	return 0;
}
