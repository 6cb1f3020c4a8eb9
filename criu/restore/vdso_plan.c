/* SPDX-License-Identifier: GPL-2.0 */
#include <string.h>

#include "restore/mem_plan.h"

/* The special areas of the images. */
struct old_vdso {
	struct vdso_range code, data; /* len 0: there is none */
	bool together;		      /* the data ends where the code starts */
};

static void find_old(const MmEntry *mm, struct old_vdso *old)
{
	*old = (struct old_vdso){ 0 };
	for (size_t i = 0; i < mm->n_vmas; i++) {
		const VmaEntry *v = mm->vmas[i];
		struct vdso_range range = { v->start, v->end - v->start };

		if (v->status & VMA_AREA_VDSO) {
			old->code = range;
		} else if (v->status & VMA_AREA_VVAR) {
			if (old->data.len && old->data.start + old->data.len == range.start)
				old->data.len += range.len;
			else
				old->data = range;
		}
	}
	old->together = old->data.start + old->data.len == old->code.start;
}

/* The recorded code, which the pages hold like any other. */
static int read_old(struct cr_ctx *ctx, pid_t pid, const struct vdso_range *code, const struct pagemap *pm,
		    const struct page_source *src, void **ret)
{
	_cleanup_free_ char *buf = NULL;
	uint64_t have = code->start, end = code->start + code->len;

	if (code->len > VDSO_MAX_SIZE)
		return cr_fail(ctx, -EINVAL, "The vDSO in mm-%d.img is too large", pid);
	buf = malloc(code->len);
	if (!buf)
		return -ENOMEM;
	for (size_t i = pm && src ? pagemap_first(pm, have) : 0; pm && src && i < pm->nr && have < end; i++) {
		const struct page_run_at *r = &pm->v[i];
		uint64_t run_end = r->vaddr + r->nr_pages * RUN_PAGE_SIZE, to = run_end < end ? run_end : end;
		int err;

		if (r->vaddr > have)
			break;
		err = src->ops->read(src, r->offset + (have - r->vaddr), buf + (have - code->start), to - have);
		if (err)
			return cr_fail_errno(ctx, err, "Can't read the pages of task %d's vDSO", pid);
		have = to;
	}
	if (have < end)
		return cr_fail(ctx, -EOPNOTSUPP, "Task %d: a vDSO without its pages isn't supported", pid);
	*ret = take_ptr(buf);
	return 0;
}

/* BASE: where the live code goes; 0: it is unmapped. */
static void plan_moves(const struct vdso_live *live, uint64_t base, struct mem_plan *plan)
{
	for (size_t i = 0; i < live->nr_ranges; i++)
		plan->moves[plan->nr_moves++] = (struct plan_move){
			.from = live->ranges[i].start,
			.to = base ? base + (live->ranges[i].start - live->vdso.start) : 0,
			.len = live->ranges[i].len,
		};
}

static uint64_t live_total(const struct vdso_live *live)
{
	uint64_t total = 0;

	for (size_t i = 0; i < live->nr_ranges; i++)
		total += live->ranges[i].len;
	return total;
}

int mem_plan_vdso(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm, const struct pagemap *pagemap,
		  const struct page_source *src, const struct vdso_live *live, uint64_t task_size,
		  struct mem_plan *plan)
{
	_cleanup_free_ void *code = NULL;
	struct vdso_symbols symbols;
	uint64_t total = live_total(live), base = 0, at = 1ull << 32;
	const char *name = "";
	struct old_vdso old;
	int err;

	_Static_assert(VDSO_MAX_RANGES <= PLAN_NR_MOVES, "a move for each range");
	find_old(mm, &old);
	if (!old.code.len) {
		plan_moves(live, 0, plan);
		return 0;
	}
	err = read_old(ctx, pid, &old.code, pagemap, src, &code);
	if (err)
		return err;
	err = vdso_parse(code, old.code.len, &symbols);
	if (err)
		return cr_fail_errno(ctx, err, "Can't understand the vDSO of task %d", pid);
	if (live->vdso.len == old.code.len && total == old.data.len + old.code.len && old.together &&
	    vdso_same(&symbols, &live->symbols)) {
		plan_moves(live, old.code.start, plan);
		return 0;
	}
	if (total) {
		err = mem_plan_gap(mm, plan, task_size, total, &at);
		if (err)
			return cr_fail_errno(ctx, err, "No room for this kernel's vDSO in task %d", pid);
		base = at + (live->vdso.start - live->ranges[0].start);
	}
	plan_moves(live, base, plan);
	err = vdso_make_proxy(code, old.code.len, &symbols, base, &live->symbols, &name);
	if (err)
		return cr_fail_errno(ctx, err, "Task %d: this kernel's vDSO can't stand for its function %s", pid,
				     name);
	log_info(ctx->log, "Task %d: the vDSO of another kernel jumps to this one's", pid);
	plan->proxy_addr = old.code.start;
	plan->proxy_len = old.code.len;
	plan->proxy = take_ptr(code);
	return 0;
}
