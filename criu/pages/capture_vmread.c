/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading a stopped task's pages from outside, by a few threads: process_vm_readv(2).
 *
 * Runs stand in the sink without gaps, so the content is cut into chunks by offset alone; a thread takes the
 * next chunk and finds its runs by searching.
 */
#include "pages/capture.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "pages/task_read.h"
#include "pages/threads.h"

#define CHUNK_LENT (1ul << 20)
#define CHUNK_OWN  (256ul << 10) /* a buffer that stays in the second level cache between reading and writing */
#define MAX_IOV	   1024		 /* IOV_MAX */

struct reader {
	const struct capture *c;
	struct page_sink *sink;
	bool lent;
	size_t chunk;
	uint64_t end;
	atomic_uint_fast64_t next; /* offset of the first chunk that nobody has taken */
	atomic_int result;	   /* the first -errno */
};

static size_t find_run(const struct capture *c, uint64_t offset)
{
	size_t low = 0, high = c->nr_runs;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (c->runs[mid].offset <= offset)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static pid_t whose(const struct capture *c)
{
	return c->memory ? getpid() : c->pid;
}

/* The bytes of the content from OFFSET on, LEN of them, to TO; forced runs are left out. */
static int read_range(const struct reader *rd, uint64_t offset, size_t len, char *to)
{
	struct iovec remote[MAX_IOV];
	const struct capture *c = rd->c;
	size_t nr = 0, batch = 0, run = find_run(c, offset);

	while (len) {
		const struct page_run_at *r = &c->runs[run];
		uint64_t skip = offset - r->offset;
		size_t n = (r->nr_pages << RUN_PAGE_SHIFT) - skip;
		bool forced = !c->memory && (r->flags & RUN_FORCE);
		int err;

		if (n > len)
			n = len;
		if (!forced) {
			remote[nr++] = (struct iovec){ (char *)c->memory + r->vaddr + skip, n };
			batch += n;
		}
		offset += n;
		len -= n;
		run++;
		if (nr && (forced || !len || nr == MAX_IOV)) {
			err = task_read(c->ctx, whose(c), &(struct iovec){ to, batch }, 1, remote, nr, batch);
			if (err)
				return err;
			to += batch;
			nr = batch = 0;
		}
		if (forced)
			to += n;
	}
	return 0;
}

static int one_chunk(const struct reader *rd, uint64_t offset, size_t len, char *own)
{
	void *to = own;
	int r;

	if (rd->lent) {
		r = rd->sink->ops->lend(rd->sink, offset, len, &to);
		return r ? r : read_range(rd, offset, len, to);
	}
	r = read_range(rd, offset, len, to);
	return r ? r : rd->sink->ops->write(rd->sink, offset, to, len);
}

static void work(struct reader *rd, bool may_cancel)
{
	_cleanup_free_ char *own = rd->lent ? NULL : calloc(1, rd->chunk);
	int expected = 0, r = rd->lent || own ? 0 : -ENOMEM;

	while (!r && !atomic_load(&rd->result)) {
		uint64_t offset = atomic_fetch_add(&rd->next, rd->chunk);

		if (offset >= rd->end)
			break;
		if (may_cancel && rd->c->cancelled)
			r = rd->c->cancelled(rd->c->cancelled_arg);
		if (!r)
			r = one_chunk(rd, offset, rd->end - offset < rd->chunk ? rd->end - offset : rd->chunk, own);
	}
	if (r)
		atomic_compare_exchange_strong(&rd->result, &expected, r);
}

static void *thread_run(void *arg)
{
	work(arg, false);
	return NULL;
}

int capture_vmread(const struct capture *c, struct page_sink *sink)
{
	struct reader rd = { .c = c, .sink = sink, .lent = sink->ops->caps & SINK_LENDS_MEMORY, .end = sink->size };
	unsigned nr = c->nr_threads > PAGES_THREADS_MAX ? PAGES_THREADS_MAX : c->nr_threads, started = 0;
	pthread_t threads[PAGES_THREADS_MAX];
	int r;

	rd.chunk = rd.lent ? CHUNK_LENT : CHUNK_OWN;
	if (c->nr_runs) {
		while (started + 1 < nr && !pages_thread_start(&threads[started], thread_run, &rd))
			started++;
		work(&rd, true);
		while (started)
			pthread_join(threads[--started], NULL);
	}
	r = atomic_load(&rd.result);
	return r ? r : capture_forced(c, sink);
}
