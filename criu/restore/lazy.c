/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/lazy.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kernel/kernel.h"
#include "restore/lazy_pages.h"

struct lazy_task {
	struct pager_memory *memory;
	int uffd;
	void *mapped; /* the source, if it lends no memory */
	uint64_t mapped_len;
};

int lazy_check(struct restore *r)
{
	if (kernel_has(r->kernel, KERNEL_UFFD_NONCOOP) && kernel_has(r->kernel, KERNEL_PIDFD_GETFD))
		return 0;
	return cr_fail(
		&r->ctx, -EOPNOTSUPP,
		"--fam-restore=lazy needs a userfaultfd that tells of forks and changed mappings (uffd-noncoop) and "
		"pidfd_getfd, which this kernel doesn't give us; --fam-restore=copy does without");
}

bool lazy_possible(const struct restore *r, const struct restore_task *rt)
{
	/* All that is there is locked, then. */
	return lazy_wanted(r) && !(rt->extra && rt->extra->has_locks && rt->extra->locks);
}

/* ---- while the task is stopped ------------------------------------------------------------------------------- */

static int map_source(struct restore *r, const struct restore_task *rt, struct lazy_task *lazy, const char **base)
{
	const struct page_source *src = rt->source;

	*base = src->base;
	if (*base)
		return 0;
	lazy->mapped = mmap(NULL, src->size, PROT_READ, MAP_SHARED, src->fd, 0);
	if (lazy->mapped == MAP_FAILED) {
		lazy->mapped = NULL;
		return cr_fail_errno(&r->ctx, -errno, "Can't map the pages of task %d", rt->task->pid);
	}
	lazy->mapped_len = src->size;
	*base = lazy->mapped;
	return 0;
}

static int make_memory(struct restore *r, const struct restore_task *rt, const char *base, struct pager_memory **ret)
{
	size_t nr = rt->plan.nr_lazy_runs;
	_cleanup_free_ struct pager_range *ranges = calloc(nr, sizeof(*ranges));
	int err;

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const struct page_run_at *run = &rt->plan.lazy_runs[i];
		uint64_t len = run->nr_pages << RUN_PAGE_SHIFT;

		if (run->offset > rt->source->size || len > rt->source->size - run->offset)
			return cr_fail(&r->ctx, -EINVAL, "The pages image ends before the page at 0x%llx",
				       (unsigned long long)run->vaddr);
		ranges[i] = (struct pager_range){ .vaddr = run->vaddr,
						  .nr_pages = run->nr_pages,
						  .from = base + run->offset };
	}
	err = pager_memory_new(ranges, nr, ret);
	return err ? cr_fail_errno(&r->ctx, err, "Can't note what task %d misses", rt->task->pid) : 0;
}

int lazy_take(struct restore *r, struct restore_task *rt, int uffd)
{
	struct lazy_task *lazy = calloc(1, sizeof(*lazy));
	const char *base;
	int err;

	if (!lazy)
		return -ENOMEM;
	rt->lazy = lazy;
	/* The pager's mapping keeps it: no dump writes to the file meanwhile. Pools have locks of their own. */
	if (!r->fam && flock(rt->source->fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK)
		return cr_fail(&r->ctx, -EBUSY, "Somebody dumps to the pages of task %d", rt->task->pid);
	lazy->uffd = fcntl(uffd, F_DUPFD_CLOEXEC, 0);
	if (lazy->uffd < 0)
		return cr_fail_errno(&r->ctx, -errno, "Can't keep the userfaultfd of task %d", rt->task->pid);
	err = map_source(r, rt, lazy, &base);
	if (!err)
		err = make_memory(r, rt, base, &lazy->memory);
	return err ?: lazy_pages_bring(r, rt, uffd, lazy->memory);
}

/* ---- the pager ----------------------------------------------------------------------------------------------- */

/* Room for a job of each living task, and for its pid and group. */
struct lists {
	struct pager_job *jobs;
	pid_t *pids;
	size_t nr_jobs, nr_pids;
};

/* Once each; not one that others than the tree have. */
static void add_group(struct lists *l, const struct restore_task *rt)
{
	pid_t group = -rt->task->pgid;

	if (rt->outside_sid || rt->outside_pgid || !group)
		return;
	for (size_t i = 0; i < l->nr_pids; i++)
		if (l->pids[i] == group)
			return;
	l->pids[l->nr_pids++] = group;
}

static void list_tasks(struct restore *r, struct lists *l)
{
	struct task *t;

	for_each_task (&r->tree, t) {
		const struct restore_task *rt = restore_of(t);

		if (!task_lives(t))
			continue;
		if (rt->lazy)
			l->jobs[l->nr_jobs++] = (struct pager_job){ rt->lazy->uffd, t->pid, rt->lazy->memory };
		if (!rt->owner[SHARE_VM]->lazy)
			continue;
		l->pids[l->nr_pids++] = t->pid;
		add_group(l, rt);
	}
}

int lazy_start(struct restore *r)
{
	struct lists l = { calloc(r->nr_alive, sizeof(*l.jobs)), calloc(2 * r->nr_alive, sizeof(*l.pids)) };
	struct pager_args args = { .jobs = l.jobs, .pids = l.pids, .committed = &r->shared->committed };
	struct task *t;
	int err = l.jobs && l.pids ? 0 : -ENOMEM;

	if (!err)
		list_tasks(r, &l);
	if (r->fam) {
		args.fds = &r->fam->cp->hold_fd;
		args.nr_fds = 1;
	}
	args.nr_jobs = l.nr_jobs;
	args.nr_pids = l.nr_pids;
	if (!err && l.nr_jobs)
		err = pager_start(&r->ctx, &args, &r->pager);
	free(l.jobs);
	free(l.pids);
	/* As long as we had one the areas would stay registered when the pager has left. */
	for_each_task (&r->tree, t)
		if (restore_of(t)->lazy)
			close_fdp(&restore_of(t)->lazy->uffd);
	return err;
}

void lazy_go(struct restore *r)
{
	pager_go(&r->pager);
}

void lazy_cancel(struct restore *r)
{
	pager_cancel(&r->pager);
}

void lazy_free(struct restore *r)
{
	struct task *t;

	for_each_task (&r->tree, t) {
		struct lazy_task *lazy = restore_of(t) ? restore_of(t)->lazy : NULL;

		if (!lazy)
			continue;
		close_fdp(&lazy->uffd);
		pager_memory_free(lazy->memory);
		if (lazy->mapped)
			munmap(lazy->mapped, lazy->mapped_len);
		free(lazy);
		restore_of(t)->lazy = NULL;
	}
}
