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

struct kobj_kind {
	int type; /* KCMP_* */
	const char *name;
};

static const struct kobj_kind kinds[] = {
	{ KCMP_VM, "memory" },
	{ KCMP_FILES, "descriptor table" },
	{ KCMP_FS, "directories and umask" },
	{ KCMP_SIGHAND, "signal handlers" },
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))
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

/* An insertion into a sorted array by bisection: qsort(3) has no way to report an error. */
static int insert_sorted(struct dump *d, pid_t *sorted, size_t nr, pid_t pid, const struct kobj_kind *kind)
{
	size_t low = 0, high = nr;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = 0, r;

		r = compare_objects(pid, sorted[mid], kind->type, &order);
		if (r < 0)
			return cr_fail_errno(d->ctx, r, "Can't compare tasks %d and %d", pid, sorted[mid]);
		if (order == 0)
			return cr_fail(d->ctx, -EOPNOTSUPP, "Tasks %d and %d share their %s: that isn't supported",
				       sorted[mid], pid, kind->name);
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	memmove(&sorted[low + 1], &sorted[low], (nr - low) * sizeof(*sorted));
	sorted[low] = pid;
	return 0;
}

static int check_shared_by_processes(struct dump *d, const struct kobj_kind *kind)
{
	_cleanup_free_ pid_t *sorted = calloc(d->tree.nr_tasks, sizeof(*sorted));
	struct task *task;
	size_t nr = 0;
	int r;

	if (!sorted)
		return -ENOMEM;
	for_each_task (&d->tree, task) {
		if (task->state == TASK_DEAD)
			continue;
		r = insert_sorted(d, sorted, nr++, task->pid, kind);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Threads share memory and signal handlers always, the rest unless one has called unshare(2). */
static int check_threads(struct dump *d, const struct task *task)
{
	for (size_t i = 1; i < task->nr_threads; i++) {
		for (size_t k = 0; k < NR_KINDS; k++) {
			int order = 0, r;

			if (kinds[k].type != KCMP_FILES && kinds[k].type != KCMP_FS)
				continue;
			r = compare_objects(task->pid, task->threads[i].tid, kinds[k].type, &order);
			if (r < 0)
				return cr_fail_errno(d->ctx, r, "Can't compare threads of task %d", task->pid);
			if (order)
				return cr_fail(d->ctx, -EOPNOTSUPP,
					       "Thread %d of task %d has %s of its own: that isn't supported",
					       task->threads[i].tid, task->pid, kinds[k].name);
		}
	}
	return 0;
}

int dump_kobj_ids(struct dump *d)
{
	uint32_t next = FIRST_ID;
	struct task *task;
	int r;

	for (size_t k = 0; k < NR_KINDS; k++) {
		r = check_shared_by_processes(d, &kinds[k]);
		if (r < 0)
			return r;
	}
	for_each_task (&d->tree, task) {
		if (task->state == TASK_DEAD)
			continue;
		r = check_threads(d, task);
		if (r < 0)
			return r;
		state_of(task)->ids = (struct kobj_ids){ next, next, next, next };
		next++;
	}
	return 0;
}
