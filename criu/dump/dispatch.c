/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System call user dispatch: prctl(PR_SET_SYSCALL_USER_DISPATCH) makes the system calls of a thread signals to itself.
 * The calls that we make in it must not be: it is switched off while we hold the thread.
 */
#include <errno.h>

#include "dump/state.h"

int dump_suspend_dispatch(struct dump *d, const struct task *task)
{
	struct dump_state *s = state_of(task);

	for (size_t i = 0; i < task->nr_threads; i++) {
		pid_t tid = task->threads[i].tid;
		struct user_dispatch config = { 0 };
		int r;

		if (user_dispatch_get(tid, &config))
			return 0; /* before Linux 6.4 */
		if (!config.mode)
			continue;
		if (!s->dispatch)
			s->dispatch = calloc(task->nr_threads, sizeof(*s->dispatch));
		if (!s->dispatch)
			return -ENOMEM;
		r = user_dispatch_set(tid, &(struct user_dispatch){ 0 });
		if (r < 0)
			return cr_fail_errno(d->ctx, r, "Can't suspend the system call dispatch of thread %d", tid);
		s->dispatch[i] = config;
	}
	return 0;
}

void dump_resume_dispatch(struct dump *d, struct task *task)
{
	const struct dump_state *s = task->dump ? state_of(task) : NULL;

	if (!s || !s->dispatch)
		return;
	/* Taking it out takes system calls. */
	seize_cure(d->ctx, task);
	for (size_t i = 0; i < task->nr_threads; i++) {
		int r = s->dispatch[i].mode ? user_dispatch_set(task->threads[i].tid, &s->dispatch[i]) : 0;

		if (r < 0 && r != -ESRCH)
			log_warn(d->ctx->log, "Can't resume the system call dispatch of thread %d",
				 task->threads[i].tid);
	}
}
