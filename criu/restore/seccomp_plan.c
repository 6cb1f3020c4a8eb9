/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/seccomp_plan.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define NONE UINT32_MAX

/* Nodes: the filters of the image, behind them strict mode and that nothing is installed, which is the root. */
struct nodes {
	const SeccompEntry *all;
	uint32_t nr, strict, root;
	uint32_t *first_child, *next_sibling, *first_thread; /* by node */
	uint32_t *next_thread;				     /* by thread */
	bool *used;					     /* by node */
	uint32_t *top;					     /* by thread: its node */
	uint32_t *way;					     /* room for the nodes up to one */
	uint32_t *todo;					     /* pairs: a thread, the first node that it installs */
	size_t nr_todo;
};

int seccomp_validate(struct cr_ctx *ctx, const SeccompEntry *e)
{
	const uint32_t known = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	for (size_t i = 0; i < e->n_seccomp_filters; i++) {
		const SeccompFilter *f = e->seccomp_filters[i];
		size_t len = f->filter.len;

		if (!len || len % sizeof(struct sock_filter) || len > BPF_MAXINSNS * sizeof(struct sock_filter))
			return cr_fail(ctx, -EINVAL, "seccomp.img is damaged: filter %zu has %zu bytes", i, len);
		if (f->has_prev && f->prev >= i)
			return cr_fail(ctx, -EINVAL, "seccomp.img is damaged: filter %zu stands on %u", i, f->prev);
		if (f->has_flags && f->flags & ~known)
			return cr_fail(ctx, -EOPNOTSUPP, "seccomp.img: the flags %#x of filter %zu aren't supported",
				       f->flags, i);
	}
	return 0;
}

static uint32_t below(const struct nodes *n, uint32_t node)
{
	const SeccompFilter *f = node < n->strict ? n->all->seccomp_filters[node] : NULL;

	return f && f->has_prev ? f->prev : n->root;
}

/* Old images have it once, in the task's part. */
static int find_top(struct cr_ctx *ctx, const struct nodes *n, pid_t tid, const ThreadCoreEntry *th,
		    const TaskCoreEntry *tc, uint32_t *ret)
{
	bool own = th->has_seccomp_mode;
	SeccompMode mode = own			      ? th->seccomp_mode
			   : tc->has_old_seccomp_mode ? tc->old_seccomp_mode
						      : SECCOMP_MODE__disabled;
	bool has = own ? th->has_seccomp_filter : tc->has_old_seccomp_filter;
	uint32_t filter = own ? th->seccomp_filter : tc->old_seccomp_filter;

	switch (mode) {
	case SECCOMP_MODE__disabled:
		*ret = n->root;
		return 0;
	case SECCOMP_MODE__strict:
		*ret = n->strict;
		return 0;
	case SECCOMP_MODE__filter:
		*ret = filter;
		if (has && filter < n->strict)
			return 0;
		return cr_fail(ctx, -EINVAL, "core-%d.img is damaged: there is no seccomp filter %u", tid, filter);
	default:
		return cr_fail(ctx, -EINVAL, "core-%d.img is damaged: seccomp mode %d", tid, (int)mode);
	}
}

static int make_nodes(struct nodes *n, const SeccompEntry *all, size_t nr_threads)
{
	n->all = all;
	n->strict = all ? all->n_seccomp_filters : 0;
	n->root = n->strict + 1;
	n->nr = n->strict + 2;
	n->first_child = malloc(n->nr * sizeof(uint32_t));
	n->next_sibling = malloc(n->nr * sizeof(uint32_t));
	n->first_thread = malloc(n->nr * sizeof(uint32_t));
	n->used = calloc(n->nr, sizeof(bool));
	n->way = malloc(n->nr * sizeof(uint32_t));
	n->next_thread = malloc(nr_threads * sizeof(uint32_t));
	n->top = malloc(nr_threads * sizeof(uint32_t));
	n->todo = malloc(nr_threads * 2 * sizeof(uint32_t));
	if (!n->first_child || !n->next_sibling || !n->first_thread || !n->used || !n->way || !n->next_thread ||
	    !n->top || !n->todo)
		return -ENOMEM;
	memset(n->first_child, 0xff, n->nr * sizeof(uint32_t));
	memset(n->first_thread, 0xff, n->nr * sizeof(uint32_t));
	return 0;
}

static void free_nodes(struct nodes *n)
{
	free(n->first_child);
	free(n->next_sibling);
	free(n->first_thread);
	free(n->used);
	free(n->way);
	free(n->next_thread);
	free(n->top);
	free(n->todo);
}

/* Puts the thread to its node, and all nodes below that into the tree. */
static void add_thread(struct nodes *n, uint32_t thread)
{
	uint32_t node = n->top[thread];

	n->next_thread[thread] = n->first_thread[node];
	n->first_thread[node] = thread;
	for (; node != n->root && !n->used[node]; node = below(n, node)) {
		n->used[node] = true;
		n->next_sibling[node] = n->first_child[below(n, node)];
		n->first_child[below(n, node)] = node;
	}
}

/* A thread that has NODE. */
static uint32_t any_thread(const struct nodes *n, uint32_t node)
{
	while (n->first_thread[node] == NONE)
		node = n->first_child[node];
	return n->first_thread[node];
}

static void add_step(struct seccomp_plan *plan, uint32_t kind, uint32_t nr)
{
	plan->steps[plan->nr_steps++] = (struct plan_step){ kind, nr };
}

static void create(struct seccomp_plan *plan, uint32_t creator, uint32_t thread)
{
	add_step(plan, STEP_THREAD, thread);
	plan->nr_relayed += creator != 0;
}

/* All who have NODE: those that have no more, and one for each other way on than that of the creator, by NEXT. */
static void create_here(struct nodes *n, struct seccomp_plan *plan, uint32_t creator, uint32_t node, uint32_t next)
{
	for (uint32_t t = n->first_thread[node]; t != NONE; t = n->next_thread[t])
		if (t != creator)
			create(plan, creator, t);
	for (uint32_t child = n->first_child[node]; child != NONE; child = n->next_sibling[child]) {
		uint32_t t;

		if (child == next)
			continue;
		t = any_thread(n, child);
		create(plan, creator, t);
		n->todo[2 * n->nr_todo] = t;
		n->todo[2 * n->nr_todo++ + 1] = child;
	}
}

/* CREATOR has all below FIRST, which it installs, and what stands on it up to its own top. */
static void walk(struct nodes *n, struct seccomp_plan *plan, uint32_t creator, uint32_t first)
{
	uint32_t nr = 0, node = n->top[creator];

	plan->threads[creator].first = plan->nr_steps;
	for (; node != first; node = below(n, node))
		n->way[nr++] = node;
	if (first == n->root)
		create_here(n, plan, creator, first, nr ? n->way[nr - 1] : NONE);
	else
		n->way[nr++] = first;
	while (nr--) {
		node = n->way[nr];
		if (node == n->strict) {
			add_step(plan, STEP_STRICT, 0);
		} else {
			add_step(plan, STEP_FILTER, plan->nr_filters);
			plan->code_len += n->all->seccomp_filters[node]->filter.len;
			plan->filters[plan->nr_filters++] = node;
		}
		create_here(n, plan, creator, node, nr ? n->way[nr - 1] : NONE);
	}
	plan->threads[creator].nr = plan->nr_steps - plan->threads[creator].first;
}

static int count_and_plan(struct nodes *n, struct seccomp_plan *plan, size_t nr_threads)
{
	size_t nr_used = 0;

	for (uint32_t i = 0; i < n->root; i++)
		nr_used += n->used[i];
	plan->any = nr_used > 0;
	plan->steps = calloc(nr_threads + nr_used, sizeof(*plan->steps));
	plan->threads = calloc(nr_threads, sizeof(*plan->threads));
	plan->filters = calloc(nr_used ?: 1, sizeof(*plan->filters));
	if (!plan->steps || !plan->threads || !plan->filters)
		return -ENOMEM;
	walk(n, plan, 0, n->root);
	while (n->nr_todo) {
		n->nr_todo--;
		walk(n, plan, n->todo[2 * n->nr_todo], n->todo[2 * n->nr_todo + 1]);
	}
	return 0;
}

int seccomp_plan(struct cr_ctx *ctx, const struct task *task, CoreEntry *const *cores, const SeccompEntry *all,
		 struct seccomp_plan *ret)
{
	struct nodes n = { 0 };
	int err;

	*ret = (struct seccomp_plan){ 0 };
	err = make_nodes(&n, all, task->nr_threads);
	for (size_t i = 0; i < task->nr_threads && !err; i++)
		err = find_top(ctx, &n, task->threads[i].tid, cores[i]->thread_core, cores[0]->tc, &n.top[i]);
	/* Backwards: they come out of the lists in their order. */
	for (size_t i = task->nr_threads; i-- > 0 && !err;)
		add_thread(&n, i);
	if (!err)
		err = count_and_plan(&n, ret, task->nr_threads);
	free_nodes(&n);
	if (err)
		seccomp_plan_free(ret);
	return err;
}

void seccomp_plan_free(struct seccomp_plan *plan)
{
	free(plan->steps);
	free(plan->threads);
	free(plan->filters);
	*plan = (struct seccomp_plan){ 0 };
}

void seccomp_plan_put(const struct seccomp_plan *plan, const SeccompEntry *all, struct plan_step *steps,
		      struct plan_filter *filters, char *code)
{
	if (plan->nr_steps)
		memcpy(steps, plan->steps, plan->nr_steps * sizeof(*steps));
	for (size_t i = 0; i < plan->nr_filters; i++) {
		const SeccompFilter *f = all->seccomp_filters[plan->filters[i]];

		memcpy(code, f->filter.data, f->filter.len);
		filters[i] = (struct plan_filter){
			.code = code,
			.nr = f->filter.len / sizeof(struct sock_filter),
			.flags = (f->has_flags ? f->flags : 0) & SECCOMP_FILTER_FLAG_LOG,
		};
		code += f->filter.len;
	}
}
