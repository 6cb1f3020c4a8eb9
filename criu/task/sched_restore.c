/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "task/core_restore.h"
#include "task/sched_attr.h"

int sched_restore(struct cr_ctx *ctx, pid_t tid, const ThreadCoreEntry *e, const SchedTimes *times)
{
	struct sched_attr_v0 attr = {
		.size = sizeof(attr),
		.policy = e->has_sched_policy ? e->sched_policy & ~SCHED_RESET_ON_FORK : SCHED_OTHER,
		.flags = e->has_sched_policy && (e->sched_policy & SCHED_RESET_ON_FORK) ? SCHED_ATTR_RESET_ON_FORK : 0,
	};

	/* Of a real-time thread it is kept for the day that it isn't one any more. */
	if (setpriority(PRIO_PROCESS, tid, e->has_sched_nice ? e->sched_nice : 0))
		return cr_fail_errno(ctx, -errno, "Can't set the nice value of task %d", tid);
	if (attr.policy == SCHED_FIFO || attr.policy == SCHED_RR)
		attr.priority = e->sched_prio;
	else if (attr.policy != SCHED_DEADLINE)
		attr.nice = e->has_sched_nice ? e->sched_nice : 0;
	if (times) {
		attr.runtime = times->runtime;
		attr.deadline = times->deadline;
		attr.period = times->period;
		attr.flags |= times->flags & SCHED_ATTR_DEADLINE_FLAGS;
	}
	if (syscall(SYS_sched_setattr, tid, &attr, 0))
		return cr_fail_errno(ctx, -errno, "Can't set scheduling policy %u, priority %u, nice %d of task %d",
				     attr.policy, attr.priority, attr.nice, tid);
	/* A realtime thread keeps a nice value for later, which that call doesn't take. */
	if (attr.priority && e->has_sched_nice && setpriority(PRIO_PROCESS, tid, e->sched_nice))
		return cr_fail_errno(ctx, -errno, "Can't set nice value %d of task %d", e->sched_nice, tid);
	return 0;
}
