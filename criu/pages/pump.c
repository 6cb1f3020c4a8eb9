/* SPDX-License-Identifier: GPL-2.0 */
#include "pages/pump.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "pages/sink.h"
#include "pages/threads.h"

/* Inject only where it was asked for: reading from outside uses several CPUs and leaves the task alone. */
static int check_capture(const struct pages_dump_args *args)
{
	switch (args->capture) {
	case CAPTURE_AUTO:
	case CAPTURE_VMREAD:
		return 0;
	case CAPTURE_INJECT:
		if (args->memory || args->inject)
			return 0;
		return cr_fail(args->ctx, -EOPNOTSUPP, "Capture by 'inject' needs a parasite, task %d has none",
			       args->pid);
	}
	return cr_fail(args->ctx, -EINVAL, "Unknown capture method %d", args->capture);
}

static struct page_run_at *place_runs(const struct page_run_list *runs, size_t *ret_nr, uint64_t *ret_size)
{
	struct page_run_at *v = calloc(runs->nr ? runs->nr : 1, sizeof(*v));
	uint64_t offset = 0;
	size_t nr = 0;

	if (!v)
		return NULL;
	for (size_t i = 0; i < runs->nr; i++) {
		const struct page_run *run = &runs->v[i];

		if (!(run->flags & PE_PRESENT))
			continue;
		v[nr++] = (struct page_run_at){ run->vaddr, run->nr_pages, offset, run->flags };
		offset += run->nr_pages << RUN_PAGE_SHIFT;
	}
	*ret_nr = nr;
	*ret_size = offset;
	return v;
}

int pages_dump(const struct pages_dump_args *args, struct pages_dump_result *ret)
{
	_cleanup_free_ struct page_run_at *runs = NULL;
	struct sink_args sink_args = { args->ctx, args->images_dirfd, args->pages_id, 0 };
	struct capture c = { .ctx = args->ctx,
			     .pid = args->pid,
			     .procfd = args->procfd,
			     .memory = args->memory,
			     .cancelled = args->cancelled,
			     .cancelled_arg = args->cancelled_arg };
	bool inject = args->capture == CAPTURE_INJECT && !args->memory;
	uint64_t start = now_us(), opened, copied;
	struct page_sink *sink;
	int r = check_capture(args);

	if (r)
		return r;
	c.runs = runs = place_runs(args->runs, &c.nr_runs, &sink_args.size);
	if (!runs)
		return -ENOMEM;
	c.nr_threads = args->nr_threads ? args->nr_threads : pages_threads_for(sink_args.size);
	r = sink_open(args->mode, &sink_args, &sink);
	if (r)
		return r;
	*ret = (struct pages_dump_result){ .nr_pages = sink_args.size >> RUN_PAGE_SHIFT,
					   .sink = sink->ops->name,
					   .capture = inject ? "inject" : "vmread",
					   .nr_threads = inject ? 1 : c.nr_threads };
	opened = now_us();
	if (inject)
		r = capture_inject(&c, sink, args->inject, args->inject_arg);
	else
		r = capture_vmread(&c, sink);
	copied = now_us();
	if (r) {
		sink->ops->abort(sink);
		return r;
	}
	r = sink->ops->finish(sink);
	if (r)
		return r;
	ret->open_us = opened - start;
	ret->copy_us = copied - opened;
	ret->sync_us = now_us() - copied;
	log_debug(args->ctx->log, "pages-%u.img: %llu pages, sink %s, capture %s, %u threads; us: %llu + %llu + %llu",
		  args->pages_id, (unsigned long long)ret->nr_pages, ret->sink, ret->capture, ret->nr_threads,
		  (unsigned long long)ret->open_us, (unsigned long long)ret->copy_us, (unsigned long long)ret->sync_us);
	return 0;
}
