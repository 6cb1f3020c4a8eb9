/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "task/core_restore.h"
#include "task/sched_attr.h"

int sched_restore(struct cr_ctx *ctx, pid_t tid, const ThreadCoreEntry *e)
{
	struct sched_attr_v0 attr = {
		.size = sizeof(attr),
		.policy = e->has_sched_policy ? e->sched_policy : SCHED_OTHER,
	};

	if (attr.policy == SCHED_FIFO || attr.policy == SCHED_RR)
		attr.priority = e->sched_prio;
	else
		attr.nice = e->has_sched_nice ? e->sched_nice : 0;
	if (syscall(SYS_sched_setattr, tid, &attr, 0))
		return cr_fail_errno(ctx, -errno, "Can't set scheduling policy %u, priority %u, nice %d of task %d",
				     attr.policy, attr.priority, attr.nice, tid);
	return 0;
}
