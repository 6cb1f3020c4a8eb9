/* SPDX-License-Identifier: GPL-2.0 */
/* Scheduling: sched(7), sched_setattr(2). */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "task/core_dump.h"
#include "task/sched_attr.h"

int sched_dump(struct cr_ctx *ctx, pid_t tid, ThreadCoreEntry *core)
{
	struct sched_attr_v0 attr = { .size = sizeof(attr) };

	if (syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0) < 0)
		return cr_fail_errno(ctx, -errno, "Can't read the scheduling policy of task %d", tid);
	core->has_sched_policy = true;
	core->sched_policy = attr.policy;
	switch (attr.policy) {
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
		core->has_sched_nice = true;
		core->sched_nice = attr.nice;
		return 0;
	case SCHED_FIFO:
	case SCHED_RR:
		core->has_sched_prio = true;
		core->sched_prio = attr.priority;
		return 0;
	}
	return cr_fail(ctx, -EOPNOTSUPP, "Task %d: scheduling policy %u isn't supported", tid, attr.policy);
}
