/* SPDX-License-Identifier: GPL-2.0 */
/* What only a task itself can ask the kernel. */
#include <errno.h>

#include "dump/state.h"
#include "seize/supervisor.h"

static int ask_threads(struct dump *d, struct task *task)
{
	struct dump_state *s = state_of(task);
	int r;

	s->threads = calloc(task->nr_threads, sizeof(*s->threads));
	if (!s->threads)
		return -ENOMEM;
	for (size_t i = 0; i < task->nr_threads; i++) {
		r = parasite_run(d->ctx, task, i, PARASITE_GET_THREAD);
		if (r < 0)
			return r;
		s->threads[i] = parasite_args(task)->thread;
	}
	return 0;
}

int dump_ask_inside(struct dump *d)
{
	struct task *task;
	int r;

	for_each_task (&d->tree, task) {
		if (task->state == TASK_DEAD)
			continue;
		if (supervise_cancelled())
			return cr_fail(d->ctx, -EINTR, "Cancelled");
		r = parasite_inject(d->ctx, task);
		if (!r)
			r = dump_note_itimers(d, task);
		if (!r)
			r = parasite_run(d->ctx, task, 0, PARASITE_GET_TASK);
		if (r < 0)
			return r;
		state_of(task)->inside = parasite_args(task)->task;
		r = dump_ask_timers(d, task);
		if (!r)
			r = ask_threads(d, task);
		if (r < 0)
			return r;
	}
	return 0;
}
