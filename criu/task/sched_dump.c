/* SPDX-License-Identifier: GPL-2.0 */
/* Scheduling: sched(7), sched_setattr(2). */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "task/core_dump.h"
#include "task/sched_attr.h"

/* A real-time thread keeps a nice value, too, which sched_getattr(2) doesn't tell. */
static int get_nice(pid_t tid, int *ret)
{
	errno = 0;
	*ret = getpriority(PRIO_PROCESS, tid);
	return *ret == -1 && errno ? -errno : 0;
}

int sched_dump(struct cr_ctx *ctx, pid_t tid, ThreadCoreEntry *core)
{
	struct sched_attr_v0 attr = { .size = sizeof(attr) };
	int nice, r;

	if (syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0) < 0)
		return cr_fail_errno(ctx, -errno, "Can't read the scheduling policy of task %d", tid);
	r = get_nice(tid, &nice);
	if (r < 0)
		return cr_fail_errno(ctx, r, "Can't read the nice value of task %d", tid);
	core->has_sched_nice = true;
	core->sched_nice = nice;
	core->has_sched_policy = true;
	core->sched_policy = attr.policy | (attr.flags & SCHED_ATTR_RESET_ON_FORK ? SCHED_RESET_ON_FORK : 0);
	switch (attr.policy) {
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE: /* its times stand in attributes.img */
		return 0;
	case SCHED_FIFO:
	case SCHED_RR:
		core->has_sched_prio = true;
		core->sched_prio = attr.priority;
		return 0;
	}
	return cr_fail(ctx, -EOPNOTSUPP, "Task %d: scheduling policy %u isn't supported", tid, attr.policy);
}
