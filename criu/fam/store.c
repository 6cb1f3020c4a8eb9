/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One position in all sources, from which each thread takes the next batch of pieces. What is seen while a batch is in
 * the cache, zero pages and checksums, is noted by each thread and put together at the end.
 */
#include "fam/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fam/crc32c.h"
#include "fam/guard.h"
#include "fam/notes.h"
#include "pages/huge.h"
#include "pages/threads.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define CHUNK_DIRECT	(1ul << 20)
#define CHUNK_BUFFERED	(256ul << 10) /* stays in the second level cache between reading and writing */
#define MAX_PIECES	512	      /* below IOV_MAX */
#define NOTES_PER_BATCH (CHUNK_DIRECT / RUN_PAGE_SIZE + MAX_PIECES)
/* A read fault on tmpfs maps that many bytes at once, for writing too: Documentation/design/page-path.md. */
#define FAULT_AROUND (64ul << 10)
#define HUGE_SAMPLES 5

struct piece {
	uint64_t vaddr, offset, len; /* bytes */
	bool may_drop;		     /* if it is zero */
};

struct batch {
	size_t source;
	bool forced; /* by /proc/PID/mem alone */
	size_t nr;
	uint64_t bytes;
	struct piece v[MAX_PIECES];
};

struct store {
	const struct fam_store_args *args;
	bool direct; /* into the mapping; else by a buffer into the file */
	bool huge;
	bool injected; /* tasks have stored what isn't forced */
	size_t chunk;
	pthread_mutex_t lock;
	/* With the lock. */
	bool forced; /* which pages it is about now */
	size_t source, run;
	uint64_t page; /* of that run */
	int result;    /* the first -errno */
	struct fam_notes notes;
};

struct worker {
	struct store *all;
	char *buf;
	int mem; /* /proc/PID/mem of source MEM_OF */
	size_t mem_of;
	struct batch batch;
	struct fam_notes notes;
};

/* ---- what is next -------------------------------------------------------------------------------------------- */

static bool is_forced(const struct fam_source *s, const struct page_run_at *run)
{
	return !s->memory && (run->flags & RUN_FORCE);
}

/* With the lock. False: nothing is left. */
static bool take_batch(struct store *st, struct batch *b)
{
	*b = (struct batch){ .forced = st->forced };
	for (; st->source < st->args->nr; st->source++, st->run = st->page = 0) {
		const struct fam_source *s = &st->args->sources[st->source];

		while (st->run < s->nr_placed && b->nr < MAX_PIECES && b->bytes < st->chunk) {
			const struct page_run_at *run = &s->placed[st->run];
			uint64_t skip = st->page << RUN_PAGE_SHIFT, left = (run->nr_pages << RUN_PAGE_SHIFT) - skip;
			uint64_t len = left < st->chunk - b->bytes ? left : st->chunk - b->bytes;

			if (is_forced(s, run) != st->forced)
				len = left;
			else
				b->v[b->nr++] = (struct piece){ run->vaddr + skip, run->offset + skip, len,
								s->memory || run->flags & PE_LAZY };
			b->bytes += is_forced(s, run) == st->forced ? len : 0;
			st->page += len >> RUN_PAGE_SHIFT;
			if (len == left) {
				st->run++;
				st->page = 0;
			}
		}
		if (b->nr) {
			b->source = st->source;
			return true;
		}
	}
	return false;
}

/* ---- copying ------------------------------------------------------------------------------------------------- */

static char *place_of(const struct store *st, uint64_t offset)
{
	return st->args->cp->base + offset;
}

static bool is_there(const struct store *st, const struct batch *b)
{
	return st->injected && !b->forced && !st->args->sources[b->source].memory;
}

static int make_ready(const struct store *st, const struct piece *p)
{
	if (st->huge || !st->args->cp->is_tmpfs)
		return 0;
	for (uint64_t at = p->offset & ~(FAULT_AROUND - 1); at < p->offset + p->len; at += FAULT_AROUND)
		if (madvise(place_of(st, at), RUN_PAGE_SIZE, MADV_POPULATE_READ) && errno != EINVAL)
			return cr_fail_errno(st->args->ctx, -errno, "Can't have a page of the pool");
	return 0;
}

static int read_forced(struct worker *w, const struct fam_source *s, uint64_t vaddr, char *to, size_t len)
{
	struct cr_ctx *ctx = w->all->args->ctx;
	int r;

	if (w->mem < 0 || w->mem_of != w->batch.source) {
		close_fdp(&w->mem);
		w->mem = openat(s->procfd, "mem", O_RDONLY | O_CLOEXEC);
		w->mem_of = w->batch.source;
	}
	if (w->mem < 0)
		return cr_fail_errno(ctx, -errno, "Can't open the memory of task %d", s->pid);
	r = pread_full(w->mem, to, len, vaddr);
	return r ? cr_fail_errno(ctx, r, "Can't read %zu bytes of task %d's memory at 0x%llx", len, s->pid,
				 (unsigned long long)vaddr)
		 : 0;
}

static int read_vm(const struct store *st, const struct fam_source *s, const struct batch *b, struct iovec *local,
		   size_t nr_local, struct iovec *remote)
{
	ssize_t n;

	do {
		n = process_vm_readv(s->memory ? getpid() : s->pid, local, nr_local, remote, b->nr, 0);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)b->bytes)
		return 0;
	return cr_fail_errno(st->args->ctx, n < 0 ? -errno : -EFAULT,
			     "Can't read the %llu bytes of task %d's memory at %p and after",
			     (unsigned long long)b->bytes, s->pid, remote->iov_base);
}

/* Into the buffer, one piece behind the other, or to their places. */
static int fetch(struct worker *w)
{
	struct iovec local[MAX_PIECES], remote[MAX_PIECES];
	const struct store *st = w->all;
	const struct batch *b = &w->batch;
	const struct fam_source *s = &st->args->sources[b->source];
	char *buf = w->buf;
	int r = 0;

	for (size_t i = 0; i < b->nr && !r; i++) {
		const struct piece *p = &b->v[i];
		char *to = st->direct ? place_of(st, p->offset) : buf;

		if (st->direct)
			r = make_ready(st, p);
		if (!r && b->forced)
			r = read_forced(w, s, p->vaddr, to, p->len);
		local[i] = (struct iovec){ to, p->len };
		remote[i] = (struct iovec){ (char *)s->memory + p->vaddr, p->len };
		buf += p->len;
	}
	if (r || b->forced)
		return r;
	if (st->direct)
		return read_vm(st, s, b, local, b->nr, remote);
	local[0] = (struct iovec){ w->buf, b->bytes };
	return read_vm(st, s, b, local, 1, remote);
}

static int put_buffer(const struct worker *w)
{
	const struct batch *b = &w->batch;
	const char *from = w->buf;

	for (size_t i = 0; i < b->nr;) {
		uint64_t offset = b->v[i].offset, len = 0;
		int r;

		for (; i < b->nr && b->v[i].offset == offset + len; i++)
			len += b->v[i].len;
		r = pwrite_full(w->all->args->cp->fd, from, len, offset);
		if (r)
			return cr_fail_errno(w->all->args->ctx, r, "Can't write %llu bytes of pages to the pool",
					     (unsigned long long)len);
		from += len;
	}
	return 0;
}

/* ---- looking at what was copied ------------------------------------------------------------------------------ */

static bool is_zero(const char *page)
{
	for (size_t at = 0; at < RUN_PAGE_SIZE; at += 64) {
		uint64_t w[8];

		memcpy(w, page + at, sizeof(w));
		if (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7])
			return false;
	}
	return true;
}

static void inspect_piece(struct worker *w, const struct piece *p, const char *content)
{
	bool verify = w->all->args->verify;
	uint64_t sum_len = 0;
	uint32_t crc = 0;

	for (uint64_t at = 0; at < p->len; at += RUN_PAGE_SIZE) {
		if (p->may_drop && is_zero(content + at)) {
			fam_note_zero(&w->notes, w->batch.source, p->vaddr + at);
		} else if (verify) {
			crc = fam_crc32c(crc, content + at, RUN_PAGE_SIZE);
			sum_len += RUN_PAGE_SIZE;
		}
	}
	if (sum_len)
		fam_note_sum(&w->notes, w->batch.source, p->vaddr, crc, sum_len);
}

/* Guarded: see fam/guard.h. */
static int inspect(void *arg)
{
	struct worker *w = arg;
	const struct store *st = w->all;
	bool mapped = st->direct || is_there(st, &w->batch);
	const char *buf = w->buf;

	for (size_t i = 0; i < w->batch.nr; i++) {
		const struct piece *p = &w->batch.v[i];

		inspect_piece(w, p, mapped ? place_of(st, p->offset) : buf);
		buf += p->len;
	}
	return 0;
}

/* ---- threads ------------------------------------------------------------------------------------------------- */

static int one_batch(struct worker *w)
{
	struct store *st = w->all;
	bool there = is_there(st, &w->batch);
	int r = there ? 0 : fetch(w);

	if (!r)
		r = fam_notes_reserve(&w->notes, NOTES_PER_BATCH);
	if (!r) {
		r = fam_guarded(inspect, w);
		if (r)
			return cr_fail_errno(st->args->ctx, r, "Can't read the memory of the pool: is it bad?");
	}
	if (!r && !there && !st->direct)
		r = put_buffer(w);
	return r;
}

static void work(struct store *st, bool may_cancel)
{
	_cleanup_free_ struct worker *w = calloc(1, sizeof(*w));
	int r = w ? 0 : -ENOMEM;

	if (w) {
		w->all = st;
		w->mem = -1;
		w->buf = st->direct ? NULL : malloc(st->chunk);
		r = st->direct || w->buf ? 0 : -ENOMEM;
	}
	pthread_mutex_lock(&st->lock);
	while (!r && !st->result && take_batch(st, &w->batch)) {
		pthread_mutex_unlock(&st->lock);
		if (may_cancel && st->args->cancelled)
			r = st->args->cancelled(st->args->cancelled_arg);
		if (!r)
			r = one_batch(w);
		pthread_mutex_lock(&st->lock);
	}
	if (!r)
		r = fam_notes_move(&w->notes, &st->notes);
	if (r && !st->result)
		st->result = r;
	pthread_mutex_unlock(&st->lock);
	if (!w)
		return;
	fam_notes_free(&w->notes);
	close_fdp(&w->mem);
	free(w->buf);
}

static void *thread_run(void *arg)
{
	work(arg, false);
	return NULL;
}

static int run(struct store *st, unsigned nr_threads)
{
	pthread_t threads[PAGES_THREADS_MAX];
	unsigned started = 0;

	st->source = st->run = st->page = 0;
	while (started + 1 < nr_threads && !pages_thread_start(&threads[started], thread_run, st))
		started++;
	work(st, true);
	while (started)
		pthread_join(threads[--started], NULL);
	return st->result;
}

/* ---- the task's own code ------------------------------------------------------------------------------------- */

static int by_offset(const void *pa, const void *pb)
{
	const struct page_run_at *a = pa, *b = pb;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

static int inject(const struct store *st, const struct fam_source *s)
{
	_cleanup_free_ struct page_run_at *runs = calloc(s->nr_placed + 1, sizeof(*runs));
	struct cr_ctx *ctx = st->args->ctx;
	size_t nr = 0;
	int r = 0;

	if (!runs)
		return -ENOMEM;
	if (!s->inject)
		return cr_fail(ctx, -EOPNOTSUPP, "Capture by 'inject' needs a parasite, task %d has none", s->pid);
	for (size_t i = 0; i < s->nr_placed; i++)
		if (!is_forced(s, &s->placed[i]))
			runs[nr++] = s->placed[i];
	qsort(runs, nr, sizeof(*runs), by_offset);
	if (nr) {
		int ended;

		r = s->inject->begin(s->inject_arg, st->args->cp->fd);
		if (!r)
			r = s->inject->store(s->inject_arg, runs, nr, NULL);
		ended = s->inject->end(s->inject_arg);
		r = r ?: ended;
	}
	return r ? cr_fail_errno(ctx, r, "Task %d can't store its pages itself", s->pid) : 0;
}

static int inject_all(struct store *st)
{
	int r = 0;

	if (st->args->cp->fd < 0)
		return cr_fail(st->args->ctx, -EOPNOTSUPP, "Capture by 'inject' needs a pool of files; %s is none",
			       st->args->cp->pool->path);
	for (size_t i = 0; i < st->args->nr && !r; i++)
		if (!st->args->sources[i].memory && st->args->sources[i].nr_placed)
			r = inject(st, &st->args->sources[i]);
	st->injected = true;
	return r;
}

/* -------------------------------------------------------------------------------------------------------------- */

/* Are most pages of the medium large ones? Looks at a few where pages will come. */
static bool has_huge_pages(const struct fam_store_args *args)
{
	const char *places[HUGE_SAMPLES];
	unsigned nr = 0;

	for (size_t i = 0; i < args->nr && nr < HUGE_SAMPLES; i++) {
		const struct fam_source *s = &args->sources[i];

		for (size_t k = 0; k < s->nr_placed && nr < HUGE_SAMPLES; k++) {
			uint64_t at = (s->placed[k].offset + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1);
			uint64_t end = s->placed[k].offset + (s->placed[k].nr_pages << RUN_PAGE_SHIFT);
			uint64_t step = end > at ? (end - at) / HUGE_SAMPLES & ~(FAM_ALIGN - 1) : 0;

			for (; at + FAM_ALIGN <= end && nr < HUGE_SAMPLES; at += step ?: FAM_ALIGN)
				places[nr++] = args->cp->base + at;
		}
	}
	return nr && pages_huge_among(places, nr) > nr / 2;
}

/* Into the mapping where it is the medium, or large pages spare the faults; a page cache is written to. */
static bool stores_directly(const struct fam_store_args *args, bool huge)
{
	const char *wanted = getenv("CRIU_FAM_STORE");

	if (args->cp->fd < 0 || args->cp->is_pmem)
		return true;
	if (wanted)
		return !strcmp(wanted, "direct");
	return args->cp->is_tmpfs && huge;
}

int fam_store(const struct fam_store_args *args, struct fam_store_stats *ret)
{
	struct store st = { .args = args, .huge = has_huge_pages(args), .lock = PTHREAD_MUTEX_INITIALIZER };
	uint64_t start = now_us(), pages = 0;
	unsigned nr_threads = args->nr_threads;
	int r = 0;

	for (size_t i = 0; i < args->nr; i++)
		pages += args->sources[i].runs->nr_present;
	if (!nr_threads)
		nr_threads = pages_threads_for(pages << RUN_PAGE_SHIFT);
	if (nr_threads > PAGES_THREADS_MAX)
		nr_threads = PAGES_THREADS_MAX;
	st.direct = stores_directly(args, st.huge);
	st.chunk = st.direct ? CHUNK_DIRECT : CHUNK_BUFFERED;
	if (args->capture == CAPTURE_INJECT)
		r = inject_all(&st);
	if (!r)
		r = run(&st, nr_threads);
	/* The calling thread alone: kernels may allow it to nobody but the tracer. */
	st.forced = true;
	if (!r)
		r = run(&st, 1);
	if (!r)
		r = fam_notes_apply(&st.notes, args->sources, args->nr, args->layout, args->verify);
	if (!r)
		*ret = (struct fam_store_stats){
			.nr_pages = pages - st.notes.nr_zero,
			.nr_zero = st.notes.nr_zero,
			.us = now_us() - start,
			.way = st.injected ? "inject"
			       : st.direct ? "vmread, mapped"
					   : "vmread, written",
			.nr_threads = nr_threads,
		};
	fam_notes_free(&st.notes);
	return r ? cr_fail_errno(args->ctx, r, "Can't store pages in the pool") : 0;
}
