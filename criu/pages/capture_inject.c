/* SPDX-License-Identifier: GPL-2.0 */
/* A task that stores its pages into the sink itself; and the pages that only we can read. */
#include "pages/capture.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "pages/task_read.h"

#define FORCED_STEP (256ul << 10)

int capture_forced(const struct capture *c, struct page_sink *sink)
{
	_cleanup_close_ int mem = -1;
	_cleanup_free_ char *own = NULL;

	for (size_t i = 0; !c->memory && i < c->nr_runs; i++) {
		const struct page_run_at *run = &c->runs[i];
		uint64_t len = run->nr_pages << RUN_PAGE_SHIFT;

		if (!(run->flags & RUN_FORCE))
			continue;
		if (mem < 0)
			mem = openat(c->procfd, "mem", O_RDONLY | O_CLOEXEC);
		if (mem < 0)
			return cr_fail_errno(c->ctx, -errno, "Can't open the memory of task %d", c->pid);
		if (!own && !(own = malloc(FORCED_STEP)))
			return -ENOMEM;
		for (uint64_t at = 0; at < len; at += FORCED_STEP) {
			size_t n = len - at < FORCED_STEP ? len - at : FORCED_STEP;
			int r = task_read_forced(c->ctx, c->pid, mem, run->vaddr + at, own, n);

			if (!r)
				r = sink->ops->write(sink, run->offset + at, own, n);
			if (r)
				return r;
		}
	}
	return 0;
}

int capture_inject(const struct capture *c, struct page_sink *sink, const struct capture_inject_ops *ops, void *arg)
{
	_cleanup_free_ struct page_run_at *own = calloc(c->nr_runs ? c->nr_runs : 1, sizeof(*own));
	size_t nr = 0;
	int r = 0;

	if (!own)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr_runs; i++)
		if (!(c->runs[i].flags & RUN_FORCE))
			own[nr++] = c->runs[i];
	if (nr) {
		int ended;

		r = ops->begin(arg, sink->fd);
		if (!r)
			r = ops->store(arg, own, nr, NULL);
		ended = ops->end(arg);
		r = r ? r : ended;
	}
	if (r)
		return cr_fail_errno(c->ctx, r, "Task %d can't store its pages itself", c->pid);
	return capture_forced(c, sink);
}
