/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/fill_task.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include "restore/cow.h"
#include "restore/lazy.h"

/* By one of the filler's threads. The last descriptor but the task's own is closed: no fault comes here any more. */
static void on_filled(struct fill_job *job, int result)
{
	struct restore_task *rt = job->arg;

	close_fdp(&rt->uffd);
	__atomic_store_n(&rt->slot->fill, result ? FILL_FAILED : FILL_DONE, __ATOMIC_RELEASE);
	syscall(SYS_futex, &rt->slot->fill, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int start(struct restore *r, struct restore_task *rt, const struct page_run_at *runs, size_t nr)
{
	_cleanup_close_ int pidfd = syscall(SYS_pidfd_open, rt->task->pid, 0);
	int err, fd = rt->slot->uffd;

	rt->slot->uffd = -1;
	if (pidfd < 0)
		return cr_fail_errno(&r->ctx, -errno, "Can't open a pidfd of task %d", rt->task->pid);
	rt->uffd = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (rt->uffd < 0)
		return cr_fail_errno(&r->ctx, -errno, "Can't take the userfaultfd of task %d", rt->task->pid);
	if (rt->plan.nr_lazy_runs) {
		err = lazy_take(r, rt, rt->uffd);
		if (err)
			return err;
	}
	if (!r->fill && nr) {
		err = fill_start(&r->ctx, r->opts->fam_threads, &r->fill);
		if (err)
			return err;
	}
	rt->has_policy =
		attributes_policy(attributes_of(r->attributes, rt->task->pid), &r->own_attributes, &rt->policy);
	rt->job = (struct fill_job){
		.uffd = rt->uffd,
		.pid = rt->task->pid,
		.runs = runs,
		.nr_runs = nr,
		.src = rt->source,
		.policy = rt->has_policy ? &rt->policy : NULL,
		.done = on_filled,
		.arg = rt,
	};
	if (nr)
		fill_submit(r->fill, &rt->job);
	else
		on_filled(&rt->job, 0);
	return 0;
}

/* Where no descriptor waits it was somebody else's SIGSTOP, before or after its own. */
int fill_memory_start(struct restore *r, struct restore_task *rt)
{
	if (rt->slot->uffd < 0)
		return 0;
	return start(r, rt, rt->plan.fill_runs, rt->plan.nr_fill_runs);
}

int fill_inherited_start(struct restore *r, struct restore_task *rt)
{
	const struct restore_slot *next = &r->shared->slots[rt->slot->born_next];
	const struct restore_task *child;

	if (rt->slot->uffd < 0)
		return 0;
	list_for_each_entry (child, &rt->to_fork, fork_node)
		if (child->slot == next)
			return start(r, rt, child->cow->puts, child->cow->nr_outside);
	return cr_fail(&r->ctx, -EINVAL, "Task %d stopped for a child that is not its own", rt->task->pid);
}
