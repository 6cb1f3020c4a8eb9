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
#include "base/madvise.h"
#include "fam/by_task.h"
#include "fam/crc32c.h"
#include "fam/guard.h"
#include "fam/notes.h"
#include "pages/huge.h"
#include "pages/task_read.h"
#include "pages/threads.h"

#define CHUNK_DIRECT   (1ul << 20)
#define CHUNK_BUFFERED (256ul << 10) /* stays in the second level cache between reading and writing */
#define MAX_PIECES     512	     /* below IOV_MAX */
#define HUGE_SAMPLES   5

struct piece {
	uint64_t vaddr, offset, len; /* bytes */
	bool may_drop;		     /* if it is zero */
};

struct batch {
	size_t source;
	bool forced;  /* by /proc/PID/mem alone */
	bool by_task; /* the task itself is to store them */
	size_t nr;
	uint64_t bytes;
	struct piece v[MAX_PIECES];
};

struct store {
	const struct fam_store_args *args;
	bool direct; /* into the mapping; else by a buffer into the file */
	bool huge;
	bool alone; /* no other thread works beside the calling one */
	size_t chunk;
	pthread_mutex_t lock;
	/* With the lock. */
	bool forced; /* which pages it is about now */
	size_t source, run;
	uint64_t page; /* of that run */
	uint64_t left; /* bytes that nobody has taken, forced ones too */
	int result;    /* the first -errno */
	struct fam_notes notes;
};

struct worker {
	struct store *all;
	char *buf;
	int mem; /* /proc/PID/mem of source MEM_OF */
	size_t mem_of;
	struct fam_by_task *by_task; /* of the calling thread; NULL: no task stores anything */
	struct batch batch;
	struct fam_notes notes;
};

/* ---- what is next -------------------------------------------------------------------------------------------- */

static bool is_forced(const struct fam_source *s, const struct page_run_at *run)
{
	return !s->memory && (run->flags & RUN_FORCE);
}

/* With the lock: how much of S comes next. A task gets less towards the end, so that all end together. */
static uint64_t batch_size(const struct store *st, bool by_task)
{
	if (!by_task)
		return st->chunk;
	if (st->alone || st->left / 4 > FAM_BY_TASK_MAX)
		return FAM_BY_TASK_MAX;
	return st->left / 4 > CHUNK_DIRECT ? st->left / 4 & ~(RUN_PAGE_SIZE - 1) : CHUNK_DIRECT;
}

/* Zero pages: where a missing one reads as zero, too, and nothing else is lost. */
static bool may_drop(const struct fam_source *s, const struct page_run_at *run)
{
	return s->memory || (run->flags & (PE_LAZY | RUN_ZEROS)) == PE_LAZY;
}

/* With the lock: what comes next of the source. */
static void take_of_source(struct store *st, const struct fam_source *s, struct batch *b)
{
	uint64_t most = batch_size(st, b->by_task);

	while (st->run < s->nr_placed && b->nr < MAX_PIECES && b->bytes < most) {
		const struct page_run_at *run = &s->placed[st->run];
		uint64_t skip = st->page << RUN_PAGE_SHIFT, left = (run->nr_pages << RUN_PAGE_SHIFT) - skip;
		uint64_t len = left < most - b->bytes ? left : most - b->bytes;

		if (is_forced(s, run) != st->forced) {
			len = left;
		} else {
			b->v[b->nr++] = (struct piece){ run->vaddr + skip, run->offset + skip, len, may_drop(s, run) };
			b->bytes += len;
		}
		st->page += len >> RUN_PAGE_SHIFT;
		if (len == left) {
			st->run++;
			st->page = 0;
		}
	}
	st->left -= b->bytes;
}

/* With the lock. False: nothing is left. */
static bool take_batch(struct store *st, const struct fam_by_task *by_task, struct batch *b)
{
	for (; st->source < st->args->nr; st->source++, st->run = st->page = 0) {
		const struct fam_source *s = &st->args->sources[st->source];

		*b = (struct batch){ .source = st->source, .forced = st->forced };
		b->by_task = !st->forced && by_task && fam_by_task_can(by_task, s);
		take_of_source(st, s, b);
		if (b->nr)
			return true;
	}
	return false;
}

/* ---- copying ------------------------------------------------------------------------------------------------- */

static char *place_of(const struct store *st, uint64_t offset)
{
	return st->args->cp->base + offset;
}

static int make_ready(const struct store *st, const struct piece *p)
{
	int r = st->huge || !st->args->cp->is_tmpfs ? 0 : mapping_make_ready(st->args->cp->base, p->offset, p->len);

	return r ? cr_fail_errno(st->args->ctx, r, "Can't have a page of the pool") : 0;
}

static int read_forced(struct worker *w, const struct fam_source *s, uint64_t vaddr, char *to, size_t len)
{
	struct cr_ctx *ctx = w->all->args->ctx;

	if (w->mem < 0 || w->mem_of != w->batch.source) {
		close_fdp(&w->mem);
		w->mem = openat(s->procfd, "mem", O_RDONLY | O_CLOEXEC);
		w->mem_of = w->batch.source;
	}
	if (w->mem < 0)
		return cr_fail_errno(ctx, -errno, "Can't open the memory of task %d", s->pid);
	return task_read_forced(ctx, s->pid, w->mem, vaddr, to, len);
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
	if (!st->direct)
		local[0] = (struct iovec){ w->buf, b->bytes };
	return task_read(st->args->ctx, s->memory ? getpid() : s->pid, local, st->direct ? b->nr : 1, remote, b->nr,
			 b->bytes);
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

static void inspect_piece(struct worker *w, const struct piece *p, const char *content)
{
	bool verify = w->all->args->verify;
	uint64_t sum_len = 0;
	uint32_t crc = 0;

	for (uint64_t at = 0; at < p->len; at += RUN_PAGE_SIZE) {
		if (p->may_drop && page_is_zero(content + at)) {
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
	bool mapped = st->direct || w->batch.by_task;
	const char *buf = w->buf;

	for (size_t i = 0; i < w->batch.nr; i++) {
		const struct piece *p = &w->batch.v[i];

		inspect_piece(w, p, mapped ? place_of(st, p->offset) : buf);
		buf += p->len;
	}
	return 0;
}

/* ---- threads ------------------------------------------------------------------------------------------------- */

static int by_offset(const void *pa, const void *pb)
{
	const struct piece *a = pa, *b = pb;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

/* 0; 1: it can't; -errno. Without checksums all that there is to see is seen by the task, while it copies. */
static int let_task_store(struct worker *w)
{
	struct store *st = w->all;
	struct batch *b = &w->batch;
	uint64_t zero[FAM_BY_TASK_MAX / RUN_PAGE_SIZE / 64], nr = 0;
	struct page_run_at runs[MAX_PIECES];
	int r;

	qsort(b->v, b->nr, sizeof(*b->v), by_offset);
	for (size_t i = 0; i < b->nr; i++)
		runs[i] = (struct page_run_at){ b->v[i].vaddr, b->v[i].len >> RUN_PAGE_SHIFT, b->v[i].offset, 0 };
	r = fam_by_task_store(w->by_task, &st->args->sources[b->source], runs, b->nr, zero);
	if (r || st->args->verify)
		return r;
	for (size_t i = 0; i < b->nr; i++)
		for (uint64_t at = 0; at < b->v[i].len; at += RUN_PAGE_SIZE, nr++)
			if (b->v[i].may_drop && zero[nr / 64] >> nr % 64 & 1)
				fam_note_zero(&w->notes, b->source, b->v[i].vaddr + at);
	return 0;
}

static int one_batch(struct worker *w)
{
	struct store *st = w->all;
	struct batch *b = &w->batch;
	int r = fam_notes_reserve(&w->notes, b->bytes / RUN_PAGE_SIZE + b->nr);

	if (!r && b->by_task) {
		r = let_task_store(w);
		if (r < 0 || (!r && !st->args->verify))
			return r;
		b->by_task = !r;
		r = 0;
	}
	if (!r && !b->by_task)
		r = fetch(w);
	if (!r) {
		r = fam_guarded(inspect, w);
		if (r)
			return cr_fail_errno(st->args->ctx, r, "Can't read the memory of the pool: is it bad?");
	}
	if (!r && !b->by_task && !st->direct)
		r = put_buffer(w);
	return r;
}

static void work(struct store *st, bool may_cancel, struct fam_by_task *by_task)
{
	_cleanup_free_ struct worker *w = calloc(1, sizeof(*w));
	int r = w ? 0 : -ENOMEM;

	if (w) {
		w->all = st;
		w->mem = -1;
		w->by_task = by_task;
		w->buf = st->direct ? NULL : malloc(st->chunk);
		r = st->direct || w->buf ? 0 : -ENOMEM;
	}
	pthread_mutex_lock(&st->lock);
	while (!r && !st->result && take_batch(st, by_task, &w->batch)) {
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
	work(arg, false, NULL);
	return NULL;
}

static int run(struct store *st, unsigned nr_threads, struct fam_by_task *by_task)
{
	pthread_t threads[PAGES_THREADS_MAX];
	unsigned started = 0;

	st->source = st->run = st->page = 0;
	st->alone = nr_threads < 2;
	while (started + 1 < nr_threads && !pages_thread_start(&threads[started], thread_run, st))
		started++;
	work(st, true, by_task);
	while (started)
		pthread_join(threads[--started], NULL);
	return st->result;
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

/* Where pages are mapped at no cost a task stores its own for half of what reading them from outside takes. */
static void choose_by_task(const struct store *st, struct fam_by_task *by_task)
{
	const struct fam_store_args *args = st->args;

	*by_task = (struct fam_by_task){ .ctx = args->ctx, .cp = args->cp, .must = args->capture == CAPTURE_INJECT };
	by_task->on = by_task->must || (args->capture == CAPTURE_AUTO && st->direct && st->huge && !args->verify);
}

/* What isn't forced, then what is: by the calling thread alone, kernels may allow it to nobody but the tracer. */
static int store_all(struct store *st, unsigned nr_threads, struct fam_by_task *by_task)
{
	int ended, r = fam_by_task_check(by_task, st->args->sources, st->args->nr);

	if (r)
		return r;
	r = run(st, by_task->must ? 1 : nr_threads, by_task);
	ended = fam_by_task_end(by_task);
	r = r ?: ended;
	st->forced = true;
	return r ?: run(st, 1, NULL);
}

int fam_store(const struct fam_store_args *args, struct fam_store_stats *ret)
{
	struct store st = { .args = args, .huge = has_huge_pages(args), .lock = PTHREAD_MUTEX_INITIALIZER };
	uint64_t start = now_us(), pages = 0;
	unsigned nr_threads = args->nr_threads;
	struct fam_by_task by_task;
	int r;

	for (size_t i = 0; i < args->nr; i++)
		pages += args->sources[i].runs->nr_present;
	st.left = pages << RUN_PAGE_SHIFT;
	if (!nr_threads)
		nr_threads = pages_threads_for(st.left);
	if (nr_threads > PAGES_THREADS_MAX)
		nr_threads = PAGES_THREADS_MAX;
	st.direct = stores_directly(args, st.huge);
	st.chunk = st.direct ? CHUNK_DIRECT : CHUNK_BUFFERED;
	choose_by_task(&st, &by_task);
	r = store_all(&st, nr_threads, &by_task);
	if (!r)
		r = fam_notes_apply(&st.notes, args->sources, args->nr, args->layout, args->verify);
	if (!r)
		*ret = (struct fam_store_stats){
			.nr_pages = pages - st.notes.nr_zero,
			.nr_zero = st.notes.nr_zero,
			.nr_by_task = by_task.nr_pages,
			.us = now_us() - start,
			.way = st.direct ? "mapped" : "written",
			.nr_threads = nr_threads,
		};
	fam_notes_free(&st.notes);
	return r ? cr_fail_errno(args->ctx, r, "Can't store pages in the pool") : 0;
}
