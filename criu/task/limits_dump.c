/* SPDX-License-Identifier: GPL-2.0 */
/* Resource limits and interval timers: getrlimit(2), setitimer(2). */
#include <errno.h>
#include <stdlib.h>

#include "proc/limits.h"
#include "task/core_dump.h"

int rlimits_dump(struct cr_ctx *ctx, int procfd, TaskRlimitsEntry **ret)
{
	struct proc_limits limits;
	TaskRlimitsEntry *e;
	int r;

	/* prlimit(2) on another user's task would need CAP_SYS_RESOURCE. */
	r = proc_read_limits(procfd, &limits);
	if (r < 0)
		return cr_fail_errno(ctx, r, "Can't read the limits of a task");
	e = malloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	task_rlimits_entry__init(e);
	*ret = e;
	e->rlimits = calloc(PROC_NR_LIMITS, sizeof(*e->rlimits));
	if (!e->rlimits)
		return -ENOMEM;
	for (; e->n_rlimits < PROC_NR_LIMITS; e->n_rlimits++) {
		RlimitEntry *limit = malloc(sizeof(*limit));

		if (!limit)
			return -ENOMEM;
		rlimit_entry__init(limit);
		limit->cur = limits.v[e->n_rlimits].cur;
		limit->max = limits.v[e->n_rlimits].max;
		e->rlimits[e->n_rlimits] = limit;
	}
	return 0;
}

static ItimerEntry *dump_itimer(const struct parasite_itimer *it)
{
	ItimerEntry *e = malloc(sizeof(*e));

	if (!e)
		return NULL;
	itimer_entry__init(e);
	e->isec = it->interval_sec;
	e->iusec = it->interval_usec;
	e->vsec = it->value_sec;
	e->vusec = it->value_usec;
	/* The kernel arms a periodic timer again when its signal is taken; until then nothing is left of its time. */
	if (!e->vsec && !e->vusec) {
		e->vsec = e->isec;
		e->vusec = e->iusec;
	}
	return e;
}

int itimers_dump(const struct parasite_itimer itimers[3], TaskTimersEntry **ret)
{
	TaskTimersEntry *e = malloc(sizeof(*e));

	if (!e)
		return -ENOMEM;
	task_timers_entry__init(e);
	*ret = e;
	e->real = dump_itimer(&itimers[0]);
	e->virt = dump_itimer(&itimers[1]);
	e->prof = dump_itimer(&itimers[2]);
	return e->real && e->virt && e->prof ? 0 : -ENOMEM;
}
