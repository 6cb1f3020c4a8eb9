/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/by_task.h"

#include <errno.h>

/* To give a task the file, and take it back, takes as long as a MiB or so from outside. */
#define AT_LEAST (2ul << 20)

int fam_by_task_check(const struct fam_by_task *t, const struct fam_source *sources, size_t nr)
{
	if (!t->must)
		return 0;
	if (t->cp->fd < 0)
		return cr_fail(t->ctx, -EOPNOTSUPP, "Capture by 'inject' needs a pool of files; %s is none",
			       t->cp->pool->path);
	for (size_t i = 0; i < nr; i++)
		if (!sources[i].memory && sources[i].nr_placed && !sources[i].inject)
			return cr_fail(t->ctx, -EOPNOTSUPP, "Capture by 'inject' needs a parasite, task %d has none",
				       sources[i].pid);
	return 0;
}

bool fam_by_task_can(const struct fam_by_task *t, const struct fam_source *s)
{
	if (!t->on || s->memory || !s->inject || t->cp->fd < 0)
		return false;
	return t->must || (s->may_inject && s->runs->nr_present >= AT_LEAST >> RUN_PAGE_SHIFT);
}

int fam_by_task_end(struct fam_by_task *t)
{
	struct fam_source *s = t->begun;
	int r;

	t->begun = NULL;
	r = s ? s->inject->end(s->inject_arg) : 0;
	return r ? cr_fail_errno(t->ctx, r, "Can't take the pool's file from task %d again", s->pid) : 0;
}

int fam_by_task_store(struct fam_by_task *t, struct fam_source *s, const struct page_run_at *runs, size_t nr,
		      uint64_t *zero)
{
	int ended, r = 0;

	if (t->begun != s) {
		r = fam_by_task_end(t);
		if (r)
			return r;
		t->begun = s;
		r = s->inject->begin(s->inject_arg, t->cp->fd);
	}
	if (!r)
		r = s->inject->store(s->inject_arg, runs, nr, zero);
	if (!r) {
		for (size_t i = 0; i < nr; i++)
			t->nr_pages += runs[i].nr_pages;
		return 0;
	}
	ended = fam_by_task_end(t);
	if (ended || t->must || r == -EINTR)
		return cr_fail_errno(t->ctx, r, "Task %d can't store its pages itself", s->pid);
	s->may_inject = false;
	return 1;
}
