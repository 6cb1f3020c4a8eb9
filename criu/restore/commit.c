/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <sys/ptrace.h>

#include "restore/finalize.h"

void commit_tasks(struct restore *r)
{
	struct task *t;

	/* A thread that was killed meanwhile has no options to clear. */
	for_each_task (&r->tree, t)
		for (size_t i = 0; task_lives(t) && i < t->nr_threads; i++)
			ptrace(PTRACE_SETOPTIONS, t->threads[i].tid, NULL, 0);
	__atomic_store_n(&r->shared->committed, 1, __ATOMIC_RELEASE);
}

int resume_tasks(struct restore *r)
{
	struct task *t;
	int err = 0;

	for_each_task (&r->tree, t)
		for (size_t i = 0; task_lives(t) && i < t->nr_threads; i++)
			if (ptrace(PTRACE_DETACH, t->threads[i].tid, NULL, 0) && !err)
				err = cr_fail_errno(&r->ctx, -errno, "Can't let go of task %d", t->threads[i].tid);
	return err;
}
