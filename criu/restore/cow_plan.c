/* SPDX-License-Identifier: GPL-2.0 */
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "kernel/kernel.h"
#include "restore/cow.h"
#include "restore/cow_window.h"

/* Every process to create, in preorder. */
struct census {
	struct restore_task **v;
	struct cow_node *nodes;
	bool *apart; /* those that share another one's memory, and what they fork: they inherit nothing */
	size_t nr;
};

static struct pagemap *pages_of(const struct census *c, size_t i)
{
	const struct restore_task *rt = c->v[i];

	return !c->apart[i] && rt->pagemap && rt->pagemap->nr && rt->source ? rt->pagemap : NULL;
}

static void count_in(struct census *c, struct restore_task *rt, int32_t up)
{
	static const enum born_when order[] = { BORN_BEFORE_SETSID, BORN_AFTER_SETSID };
	struct restore_task *child;
	int32_t me = c->nr++;

	c->v[me] = rt;
	/* What they are born with depends on whose turn it is. */
	c->apart[me] = (task_lives(rt->task) && is_guest(rt, SHARE_VM)) || (up >= 0 && c->apart[up]);
	c->nodes[me].up = up;
	for (int i = 0; i < 2; i++)
		list_for_each_entry (child, &rt->to_fork, fork_node)
			if (child->when == order[i])
				count_in(c, child, me);
	c->nodes[me].end = c->nr;
}

static int take_census(struct restore *r, struct census *c)
{
	c->v = calloc(r->tree.nr_tasks, sizeof(struct restore_task *));
	c->nodes = calloc(r->tree.nr_tasks, sizeof(*c->nodes));
	c->apart = calloc(r->tree.nr_tasks, sizeof(*c->apart));
	if (!c->v || !c->nodes || !c->apart)
		return -ENOMEM;
	count_in(c, restore_of(r->tree.root), -1);
	for (size_t i = 0; i < c->nr; i++) {
		c->v[i]->cow = calloc(1, sizeof(*c->v[i]->cow));
		if (!c->v[i]->cow)
			return -ENOMEM;
	}
	return 0;
}

/* ---- areas --------------------------------------------------------------------------------------------------- */

static bool has_pages(const struct pagemap *pm, const VmaEntry *v)
{
	size_t i = pagemap_first(pm, v->start);

	return i < pm->nr && pm->v[i].vaddr < v->end;
}

static int find_areas(const struct census *c, struct cow_area **ret, size_t *ret_nr)
{
	struct cow_area *areas;
	size_t n = 0;

	for (size_t i = 0; i < c->nr; i++)
		n += pages_of(c, i) ? c->v[i]->mm->n_vmas : 0;
	areas = calloc(n ?: 1, sizeof(*areas));
	if (!areas)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < c->nr; i++) {
		const struct pagemap *pm = pages_of(c, i);

		for (size_t k = 0; pm && k < c->v[i]->mm->n_vmas; k++) {
			const VmaEntry *v = c->v[i]->mm->vmas[k];
			struct cow_kind kind;

			if (cow_kind_of(v, &kind) && has_pages(pm, v))
				areas[n++] = (struct cow_area){ kind, v->start, v->end, i, v->prot & PROT_WRITE };
		}
	}
	*ret = areas;
	*ret_nr = n;
	return 0;
}

static int add_part(struct cow_task *t, const struct cow_area *a, size_t segment)
{
	if (t->nr_parts == t->room_parts) {
		size_t room = t->room_parts ? 2 * t->room_parts : 16;
		struct cow_part *v = reallocarray(t->parts, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		t->parts = v;
		t->room_parts = room;
	}
	t->parts[t->nr_parts++] = (struct cow_part){ a->start, a->end, segment, false };
	return 0;
}

static int find_parts(const struct cow *cow, const struct census *c, const struct cow_area *areas)
{
	int err = 0;

	for (size_t s = 0; s < cow->nr_segments; s++) {
		const struct cow_segment *seg = &cow->segments[s];

		for (size_t i = seg->first; i < seg->first + seg->nr && seg->place && !err; i++)
			err = add_part(c->v[areas[i].owner]->cow, &areas[i], s);
	}
	return err;
}

/* The number of T's first part that ends above VADDR. */
static size_t first_part(const struct cow_task *t, uint64_t vaddr)
{
	size_t low = 0, high = t->nr_parts;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->parts[mid].end > vaddr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static struct cow_part *find_part(const struct cow_task *t, uint64_t vaddr)
{
	size_t i = first_part(t, vaddr);

	return i < t->nr_parts && t->parts[i].start <= vaddr ? &t->parts[i] : NULL;
}

/* ---- groups -------------------------------------------------------------------------------------------------- */

static void add_member(struct cow_group *g, const struct census *c, uint32_t id, size_t segment)
{
	struct cow_task *t = c->v[id]->cow;
	struct cow_member *m = &g->members[g->nr++];
	size_t first = first_part(t, g->start);

	*m = (struct cow_member){ .id = id };
	while (first + m->nr_parts < t->nr_parts && t->parts[first + m->nr_parts].segment == segment)
		m->nr_parts++;
	if (!m->nr_parts)
		return;
	m->parts = &t->parts[first];
	m->pagemap = c->v[id]->pagemap;
	m->src = c->v[id]->source;
}

/* LOCAL, one per process, is scratch. */
static int make_group(const struct cow *cow, const struct census *c, const struct cow_area *areas, size_t segment,
		      int32_t *local, struct cow_group *g)
{
	const struct cow_segment *seg = &cow->segments[segment];
	size_t n = 0;

	*g = (struct cow_group){ .start = seg->start, .end = seg->end };
	memset(local, 0xff, c->nr * sizeof(*local));
	for (size_t i = seg->first; i < seg->first + seg->nr; i++)
		for (int32_t id = areas[i].owner; id >= 0 && local[id] < 0; id = c->nodes[id].up)
			local[id] = n++;
	g->members = calloc(n, sizeof(*g->members));
	g->nodes = calloc(n, sizeof(*g->nodes));
	if (!g->members || !g->nodes)
		return -ENOMEM;
	for (size_t id = 0; id < c->nr; id++) {
		if (local[id] < 0)
			continue;
		local[id] = g->nr;
		g->nodes[g->nr].up = c->nodes[id].up < 0 ? -1 : local[c->nodes[id].up];
		g->nodes[g->nr].end = g->nr + 1;
		add_member(g, c, id, segment);
	}
	for (size_t i = n; i-- > 1;) {
		struct cow_node *up = &g->nodes[g->nodes[i].up];

		up->end = g->nodes[i].end > up->end ? g->nodes[i].end : up->end;
	}
	return 0;
}

static void free_groups(struct cow_group *groups, size_t nr)
{
	for (size_t i = 0; groups && i < nr; i++) {
		free(groups[i].members);
		free(groups[i].nodes);
	}
	free(groups);
}

static int compare(struct restore *r, const struct census *c, const struct cow_area *areas, struct cow_result *result)
{
	struct cow *cow = r->cow;
	struct cow_group *groups = calloc(cow->nr_segments, sizeof(*groups));
	int32_t *local = calloc(c->nr, sizeof(*local));
	size_t nr = 0;
	int err = groups && local ? 0 : -ENOMEM;

	for (size_t s = 0; s < cow->nr_segments && !err; s++)
		if (cow->segments[s].place)
			err = make_group(cow, c, areas, s, local, &groups[nr++]);
	if (!err)
		err = cow_compare(&r->ctx, groups, nr, result);
	free_groups(groups, nr);
	free(local);
	return err;
}

/* ---- what comes of it ---------------------------------------------------------------------------------------- */

static const struct cow_segment *find_segment(const struct cow *cow, uint64_t vaddr)
{
	for (size_t low = 0, high = cow->nr_segments; low < high;) {
		size_t mid = low + (high - low) / 2;
		const struct cow_segment *s = &cow->segments[mid];

		if (vaddr >= s->start && vaddr < s->end)
			return s;
		if (vaddr < s->start)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* The pages of one record that lie in parts which T inherits. No run crosses from one part into the next. */
static int drop_run(struct cow_task *t, const struct cow_record *record)
{
	uint64_t at = record->vaddr, end = at + record->nr_pages * RUN_PAGE_SIZE;
	int err = 0;

	while (at < end && !err) {
		const struct cow_part *part = find_part(t, at);
		uint64_t to = at + RUN_PAGE_SIZE;

		if (part && part->inherited) {
			to = part->end < end ? part->end : end;
			err = page_run_add(&t->dropped, at, (to - at) >> RUN_PAGE_SHIFT, 0, at != part->start);
		}
		at = to;
	}
	return err;
}

static int keep_run(struct cow_task *t, const struct cow_record *record)
{
	uint64_t end = record->vaddr + record->nr_pages * RUN_PAGE_SIZE;

	for (uint64_t at = record->vaddr; at < end;) {
		struct cow_part *part = find_part(t, at);

		if (!part)
			return -EINVAL;
		part->inherited = true;
		at = part->end;
	}
	return page_run_add(&t->kept, record->vaddr, record->nr_pages, 0, 1);
}

static bool comes_from_outside(const struct cow *cow, const struct census *c, const struct cow_record *record)
{
	return cow->outside && !record->over && (int32_t)record->from == c->nodes[record->id].up &&
	       find_segment(cow, record->vaddr)->kind.anon;
}

/* Behind the last one, or as part of it. */
static void add_put(struct cow_task *t, const struct cow_segment *s, struct restore_task *from,
		    const struct cow_record *p, bool outside)
{
	uint64_t at = cow_place(s, p->vaddr);
	struct page_run_at *last = t->nr_puts ? &t->puts[t->nr_puts - 1] : NULL;
	uint64_t len = last ? last->nr_pages * RUN_PAGE_SIZE : 0;

	t->outside_pages += outside ? p->nr_pages : 0;
	if (last && t->put_from[t->nr_puts - 1] == from && outside == (t->nr_outside == t->nr_puts) &&
	    p->vaddr > s->start && last->vaddr + len == at && last->offset + len == p->offset) {
		last->nr_pages += p->nr_pages;
		return;
	}
	t->put_from[t->nr_puts] = from;
	t->puts[t->nr_puts++] = (struct page_run_at){ at, p->nr_pages, p->offset, PE_PRESENT };
	t->nr_outside += outside;
}

/* The first NR records are all COW_PUT and of one process. */
static int plan_puts(const struct cow *cow, const struct census *c, const struct cow_record *records, size_t nr)
{
	struct cow_task *t = c->v[records->id]->cow;

	t->puts = calloc(nr, sizeof(*t->puts));
	t->put_from = calloc(nr, sizeof(struct restore_task *));
	if (!t->puts || !t->put_from)
		return -ENOMEM;
	for (int outside = 1; outside >= 0; outside--)
		for (size_t i = 0; i < nr; i++) {
			const struct cow_record *p = &records[i];

			if (comes_from_outside(cow, c, p) != outside)
				continue;
			add_put(t, find_segment(cow, p->vaddr), c->v[p->from], p, outside);
		}
	return 0;
}

static int plan_rest(struct restore_task *rt)
{
	const struct pagemap *pm = rt->pagemap;
	const struct page_run_list *kept = &rt->cow->kept;
	struct pagemap *rest = &rt->cow->rest;
	size_t k = 0;

	*rest = (struct pagemap){ .pages_id = pm->pages_id };
	rest->v = calloc(pm->nr + kept->nr, sizeof(*rest->v));
	if (!rest->v)
		return -ENOMEM;
	for (size_t i = 0; i < pm->nr; i++) {
		struct page_run_at run = pm->v[i];
		uint64_t end = run.vaddr + run.nr_pages * RUN_PAGE_SIZE, at = run.vaddr;

		while (at < end) {
			uint64_t from = end, to = end;

			while (k < kept->nr && kept->v[k].vaddr + kept->v[k].nr_pages * RUN_PAGE_SIZE <= at)
				k++;
			if (k < kept->nr && kept->v[k].vaddr < end) {
				from = kept->v[k].vaddr > at ? kept->v[k].vaddr : at;
				to = kept->v[k].vaddr + kept->v[k].nr_pages * RUN_PAGE_SIZE;
			}
			if (from > at) {
				run.vaddr = at;
				run.offset = pm->v[i].offset + (at - pm->v[i].vaddr);
				run.nr_pages = (from - at) >> RUN_PAGE_SHIFT;
				rest->v[rest->nr++] = run;
				rest->nr_pages += run.nr_pages;
			}
			at = to;
		}
	}
	return 0;
}

static int apply(struct restore *r, const struct census *c, const struct cow_result *result)
{
	size_t i = 0, nr;
	int err = 0;

	for (; i < result->nr && !err; i += nr) {
		const struct cow_record *record = &result->v[i];
		struct cow_task *t = c->v[record->id]->cow;

		nr = 1;
		if (record->what == COW_PUT) {
			while (i + nr < result->nr && result->v[i + nr].id == record->id &&
			       result->v[i + nr].what == COW_PUT)
				nr++;
			err = plan_puts(r->cow, c, record, nr);
		} else {
			err = record->what == COW_KEEP ? keep_run(t, record) : drop_run(t, record);
		}
	}
	r->stats.restore.pages_compared = result->nr_compared;
	for (i = 0; i < c->nr && !err; i++) {
		if (!c->v[i]->cow->kept.nr)
			continue;
		err = plan_rest(c->v[i]);
		r->stats.restore.pages_skipped_cow += c->v[i]->pagemap->nr_pages - c->v[i]->cow->rest.nr_pages;
	}
	return err;
}

/* A segment that nobody inherits is none. */
static void drop_unused(struct cow *cow, const struct census *c)
{
	for (size_t s = 0; s < cow->nr_segments; s++)
		cow->segments[s].used = false;
	for (size_t i = 0; i < c->nr; i++)
		for (size_t k = 0; k < c->v[i]->cow->nr_parts; k++)
			if (c->v[i]->cow->parts[k].inherited)
				cow->segments[c->v[i]->cow->parts[k].segment].used = true;
	for (size_t s = 0; s < cow->nr_segments; s++)
		if (cow->segments[s].place && !cow->segments[s].used)
			cow_window_drop(cow, &cow->segments[s]);
}

static int plan_all(struct restore *r, struct census *c)
{
	struct cow_area *areas = NULL;
	struct cow_result result = { 0 };
	size_t nr;
	int err;

	err = take_census(r, c);
	if (!err)
		err = find_areas(c, &areas, &nr);
	if (!err)
		err = cow_segments_make(areas, nr, &r->cow->segments, &r->cow->nr_segments);
	if (!err && r->cow->nr_segments) {
		err = cow_window_reserve(r);
		if (!err)
			err = find_parts(r->cow, c, areas);
		if (!err)
			err = compare(r, c, areas, &result);
		/* It is asked only where there is something: looking takes system calls. */
		r->cow->outside = !err && result.nr && kernel_has(r->kernel, KERNEL_UFFD);
		if (!err)
			err = apply(r, c, &result);
		if (!err)
			drop_unused(r->cow, c);
	}
	free(areas);
	free(result.v);
	return err;
}

int cow_plan(struct restore *r)
{
	struct census c = { 0 };
	int err;

	if (r->nr_alive < 2)
		return 0;
	r->cow = calloc(1, sizeof(*r->cow));
	if (!r->cow)
		return -ENOMEM;
	err = plan_all(r, &c);
	free(c.v);
	free(c.nodes);
	free(c.apart);
	if (!err && r->stats.restore.pages_skipped_cow)
		log_info(r->ctx.log, "%llu of %llu pages that were compared are shared",
			 (unsigned long long)r->stats.restore.pages_skipped_cow,
			 (unsigned long long)r->stats.restore.pages_compared);
	return err ? cr_fail_errno(&r->ctx, err, "Can't plan which pages are shared") : 0;
}

const struct pagemap *cow_rest(const struct restore_task *rt)
{
	return rt->cow && rt->cow->kept.nr ? &rt->cow->rest : rt->pagemap;
}

void cow_mark_areas(const struct restore *r, struct restore_task *rt)
{
	struct mem_plan *plan = &rt->plan;
	size_t a = 0;

	for (size_t i = 0; rt->cow && i < rt->cow->nr_parts; i++) {
		const struct cow_part *part = &rt->cow->parts[i];

		if (!part->inherited)
			continue;
		while (a < plan->nr_areas && plan->areas[a].start < part->start)
			a++;
		/* Each part was made of one area. */
		if (a == plan->nr_areas)
			break;
		plan->areas[a].place = cow_place(&r->cow->segments[part->segment], part->start);
		if (plan->areas[a].prot != (PROT_READ | PROT_WRITE))
			plan->areas[a].how |= PLAN_AREA_WRITABLE;
	}
}

void cow_release(struct restore *r)
{
	if (r->cow)
		cow_window_release(r->cow);
}

static void free_task(struct cow_task *t)
{
	if (!t)
		return;
	free(t->parts);
	free(t->puts);
	free(t->put_from);
	page_run_list_free(&t->kept);
	page_run_list_free(&t->dropped);
	free(t->rest.v);
	free(t);
}

void cow_free(struct restore *r)
{
	struct task *t;

	cow_release(r);
	for_each_task (&r->tree, t) {
		if (!restore_of(t))
			continue;
		free_task(restore_of(t)->cow);
		restore_of(t)->cow = NULL;
	}
	if (r->cow)
		free(r->cow->segments);
	free(r->cow);
	r->cow = NULL;
}
