/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/fill_task.h"

#include <linux/futex.h>
#include <sys/syscall.h>

/* By one of the filler's threads. The last descriptor but the task's own is closed: no fault comes here any more. */
static void on_filled(struct fill_job *job, int result)
{
	struct restore_task *rt = job->arg;

	close_fdp(&rt->uffd);
	__atomic_store_n(&rt->slot->fill, result ? FILL_FAILED : FILL_DONE, __ATOMIC_RELEASE);
	syscall(SYS_futex, &rt->slot->fill, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int fill_task_start(struct restore *r, struct restore_task *rt)
{
	_cleanup_close_ int pidfd = syscall(SYS_pidfd_open, rt->task->pid, 0);
	int err;

	if (pidfd < 0)
		return cr_fail_errno(&r->ctx, -errno, "Can't open a pidfd of task %d", rt->task->pid);
	rt->uffd = syscall(SYS_pidfd_getfd, pidfd, rt->slot->uffd, 0);
	if (rt->uffd < 0)
		return cr_fail_errno(&r->ctx, -errno, "Can't take the userfaultfd of task %d", rt->task->pid);
	if (!r->fill) {
		err = fill_start(&r->ctx, 0, &r->fill);
		if (err)
			return err;
	}
	rt->job = (struct fill_job){
		.uffd = rt->uffd,
		.runs = rt->plan.fill_runs,
		.nr_runs = rt->plan.nr_fill_runs,
		.src = rt->source,
		.done = on_filled,
		.arg = rt,
	};
	fill_submit(r->fill, &rt->job);
	return 0;
}
