/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which kernel objects tasks share: kcmp(2) orders them, so sorting by it finds equals in n log n calls.
 */
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dump/state.h"
#include "task/birth.h"

static const int kcmp_types[SHARE_NR] = {
	[SHARE_VM] = KCMP_VM,
	[SHARE_SIGHAND] = KCMP_SIGHAND,
	[SHARE_FILES] = KCMP_FILES,
	[SHARE_FS] = KCMP_FS,
};

/* criu's own objects have id 1 in the inventory. */
#define FIRST_ID 2

/* *RET: below, at or above 0, as A sorts against B. 0 or -errno. */
static int compare_objects(pid_t a, pid_t b, int type, int *ret)
{
	int r = syscall(SYS_kcmp, a, b, type, 0, 0);

	if (r < 0)
		return -errno;
	*ret = r == 0 ? 0 : r == 1 ? -1 : 1;
	return 0;
}

/*
 * The owners of things of one KIND, sorted by thing: an insertion by bisection, since qsort(3) has no way to report an
 * error. *RET_OWNER is who has TASK's thing, TASK itself when it is new.
 */
static int find_owner(struct dump *d, struct task **sorted, size_t *nr, struct task *task, enum share_kind kind,
		      const struct task **ret_owner)
{
	size_t low = 0, high = *nr;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = 0, r;

		r = compare_objects(task->pid, sorted[mid]->pid, kcmp_types[kind], &order);
		if (r < 0)
			return cr_fail_errno(d->ctx, r, "Can't compare tasks %d and %d", task->pid, sorted[mid]->pid);
		if (order == 0) {
			*ret_owner = sorted[mid];
			return 0;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	memmove(&sorted[low + 1], &sorted[low], (*nr - low) * sizeof(*sorted));
	sorted[low] = task;
	++*nr;
	*ret_owner = task;
	return 0;
}

/* *ANY becomes true where two have one. */
static int give_ids(struct dump *d, enum share_kind kind, bool *any)
{
	_cleanup_free_ struct task **sorted = calloc(d->tree.nr_tasks, sizeof(*sorted));
	uint32_t next = FIRST_ID;
	struct task *task;
	size_t nr = 0;
	int r;

	if (!sorted)
		return -ENOMEM;
	for_each_task (&d->tree, task) {
		struct dump_state *s;

		if (task->state == TASK_DEAD)
			continue;
		s = state_of(task);
		r = find_owner(d, sorted, &nr, task, kind, &s->owner[kind]);
		if (r < 0)
			return r;
		if (owns(task, kind))
			s->ids[kind] = next++;
		else
			s->ids[kind] = state_of(s->owner[kind])->ids[kind];
		*any |= !owns(task, kind);
	}
	return 0;
}

/* Threads share memory and signal handlers always, the rest unless one has called unshare(2). */
static int check_threads(struct dump *d, const struct task *task)
{
	for (size_t i = 1; i < task->nr_threads; i++) {
		for (enum share_kind k = SHARE_FILES; k <= SHARE_FS; k++) {
			int order = 0, r;

			r = compare_objects(task->pid, task->threads[i].tid, kcmp_types[k], &order);
			if (r < 0)
				return cr_fail_errno(d->ctx, r, "Can't compare threads of task %d", task->pid);
			if (order)
				return cr_fail(d->ctx, -EOPNOTSUPP,
					       "Thread %d of task %d has %s of its own: that isn't supported",
					       task->threads[i].tid, task->pid, share_kind_name(k));
		}
	}
	return 0;
}

static size_t number_of(const struct share_node *v, size_t nr, const struct task *parent)
{
	for (size_t i = 0; i < nr; i++)
		if (parent && v[i].pid == parent->pid)
			return i;
	return SHARE_NOBODY;
}

/* Whether a restore can do it, in the same way. */
static int check_plan(struct dump *d)
{
	_cleanup_free_ struct share_node *v = calloc(d->tree.nr_tasks, sizeof(*v));
	struct share_conflict conflict;
	const struct task *task;
	size_t nr = 0;
	int r;

	if (!v)
		return -ENOMEM;
	for_each_task (&d->tree, task) {
		v[nr] = (struct share_node){
			.pid = task->pid,
			.lives = task->state != TASK_DEAD,
			.movable = task->parent && task->born != BORN_ELSEWHERE,
			.moment = task->born,
			.exit_signal = task->dump->stat.exit_signal,
			.parent = number_of(v, nr, task->parent),
		};
		v[nr].creator = v[nr].parent;
		if (v[nr].lives)
			memcpy(v[nr].id, state_of(task)->ids, sizeof(v[nr].id));
		nr++;
	}
	r = share_plan(v, nr, &conflict);
	if (r == -EOPNOTSUPP || r == -EINVAL)
		return cr_fail(d->ctx, r,
			       "Tasks %d and %d share their %s, which a restore can't pass on between them: that isn't "
			       "supported",
			       conflict.other, conflict.pid, share_kind_name(conflict.kind));
	return r;
}

int dump_kobj_ids(struct dump *d)
{
	struct task *task;
	bool any = false;
	int r;

	births_plan(&d->tree);
	for_each_task (&d->tree, task) {
		if (task->state == TASK_DEAD)
			continue;
		task->dump->state = calloc(1, sizeof(*task->dump->state));
		if (!task->dump->state)
			return -ENOMEM;
	}
	for (enum share_kind k = 0; k < SHARE_NR; k++) {
		r = give_ids(d, k, &any);
		if (r < 0)
			return r;
	}
	for_each_task (&d->tree, task) {
		if (task->state == TASK_DEAD)
			continue;
		r = check_threads(d, task);
		if (r < 0)
			return r;
	}
	return any ? check_plan(d) : 0;
}
