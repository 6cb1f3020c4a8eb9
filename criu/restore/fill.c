/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A queue of jobs and a few threads. A thread takes the next pieces of the first job, a chunk in all, and copies
 * them without the lock.
 */
#include "restore/fill.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/io.h"
#include "pages/threads.h"

/* Reading into a buffer that stays in the cache beats mapping the source: Documentation/design/page-path.md. */
#define CHUNK	     (512ul << 10)
#define CHUNK_MAPPED (2ul << 20)
#define MAX_PIECES   128
/* Where handing a userfaultfd over costs more than faults that zero each page first. */
#define PREAD_BELOW (1ul << 20)
/* The kernel asks to try again while the address space changes; nothing of that lasts. */
#define MAX_AGAIN 100000

struct fill {
	struct cr_ctx *ctx;
	pthread_mutex_t lock;
	pthread_cond_t more; /* a job came, or ending was set */
	struct fill_job *first, **last;
	bool ending;	/* no more jobs will come */
	bool cancelled; /* jobs are thrown away */
	int result;	/* the first error */
	struct fill_stats stats;
	unsigned nr_threads;
	pthread_t threads[PAGES_THREADS_MAX];
};

struct piece {
	uint64_t vaddr, offset, len; /* bytes */
	bool populated;
};

struct batch {
	size_t nr;
	uint64_t bytes;
	struct piece v[MAX_PIECES];
};

/* With the lock: moves the job's place on by a chunk. */
static void take_batch(struct fill_job *job, struct batch *b)
{
	uint64_t chunk = job->src->ops->caps & SOURCE_LENDS_MEMORY ? CHUNK_MAPPED : CHUNK;

	b->nr = b->bytes = 0;
	while (job->next_run < job->nr_runs && b->nr < MAX_PIECES && b->bytes < chunk) {
		const struct page_run_at *run = &job->runs[job->next_run];
		uint64_t skip = job->next_page << RUN_PAGE_SHIFT, left = (run->nr_pages << RUN_PAGE_SHIFT) - skip;
		uint64_t len = left < chunk - b->bytes ? left : chunk - b->bytes;

		b->v[b->nr++] =
			(struct piece){ run->vaddr + skip, run->offset + skip, len, run->flags & RUN_POPULATED };
		b->bytes += len;
		job->next_page += len >> RUN_PAGE_SHIFT;
		if (len == left) {
			job->next_run++;
			job->next_page = 0;
		}
	}
}

static int copy_in(struct cr_ctx *ctx, int uffd, uint64_t vaddr, const char *from, uint64_t len)
{
	struct uffdio_copy arg;
	unsigned again = 0;

	while (len) {
		arg = (struct uffdio_copy){ .dst = vaddr, .src = (uintptr_t)from, .len = len };
		if (!ioctl(uffd, UFFDIO_COPY, &arg))
			return 0;
		/* The task's side answers in other ways: ioctl_userfaultfd(2). */
		if (errno == EFAULT)
			return cr_fail(ctx, -EIO, "Can't read %llu bytes of pages for 0x%llx: is the memory bad?",
				       (unsigned long long)len, (unsigned long long)vaddr);
		if (errno != EAGAIN || (arg.copy <= 0 && ++again > MAX_AGAIN))
			return cr_fail_errno(ctx, -errno, "Can't fill %llu bytes at 0x%llx from outside",
					     (unsigned long long)len, (unsigned long long)vaddr);
		if (arg.copy > 0) {
			vaddr += arg.copy;
			from += arg.copy;
			len -= arg.copy;
			again = 0;
		} else {
			sched_yield();
		}
	}
	return 0;
}

/* Over pages that are there. */
static int write_in(struct cr_ctx *ctx, pid_t pid, uint64_t vaddr, const char *from, uint64_t len)
{
	while (len) {
		struct iovec local = { (void *)from, len }, remote = { (void *)(uintptr_t)vaddr, len };
		ssize_t n = process_vm_writev(pid, &local, 1, &remote, 1, 0);

		if (n <= 0)
			return cr_fail_errno(ctx, n ? -errno : -EFAULT, "Can't write %llu bytes at 0x%llx of task %d",
					     (unsigned long long)len, (unsigned long long)vaddr, pid);
		vaddr += n;
		from += n;
		len -= n;
	}
	return 0;
}

static int copy_batch(struct fill *fill, const struct fill_job *job, const struct batch *b, char *buf)
{
	const struct page_source *src = job->src;

	for (size_t i = 0; i < b->nr; i++) {
		const struct piece *p = &b->v[i];
		const char *from = buf;
		int r = 0;

		if (p->offset > src->size || p->len > src->size - p->offset)
			return cr_fail(fill->ctx, -EINVAL, "The pages image ends before the page at 0x%llx",
				       (unsigned long long)p->vaddr);
		if (src->ops->caps & SOURCE_LENDS_MEMORY)
			from = src->base + p->offset;
		else
			r = src->ops->read(src, p->offset, buf, p->len);
		if (r)
			return cr_fail_errno(fill->ctx, r, "Can't read %llu bytes of pages",
					     (unsigned long long)p->len);
		r = p->populated ? write_in(fill->ctx, job->pid, p->vaddr, from, p->len)
				 : copy_in(fill->ctx, job->uffd, p->vaddr, from, p->len);
		if (r)
			return r;
	}
	return 0;
}

/* With the lock: nothing of the job is left to take. */
static void unqueue_first(struct fill *fill)
{
	struct fill_job *job = fill->first;

	fill->first = job->next;
	if (!fill->first)
		fill->last = &fill->first;
}

/* With the lock, which is released while done() runs. */
static void end_job(struct fill *fill, struct fill_job *job)
{
	if (job->result && !fill->result)
		fill->result = job->result;
	if (!job->done)
		return;
	pthread_mutex_unlock(&fill->lock);
	job->done(job, job->result);
	pthread_mutex_lock(&fill->lock);
}

/* What a thread has. */
struct worker {
	struct fill *fill;
	char *buf;
	const struct plan_policy *policy; /* NULL: its own, which is OWN once another was set */
	struct plan_policy own;
};

#define NODES_MAX (PLAN_NODE_WORDS * 64ul)

static int take_policy(struct worker *w, const struct plan_policy *policy)
{
	const struct plan_policy *p = policy ?: &w->own;
	int mode;

	if (policy == w->policy)
		return 0;
	if (!w->policy) {
		if (syscall(SYS_get_mempolicy, &mode, w->own.nodes, NODES_MAX, 0, 0))
			return cr_fail_errno(w->fill->ctx, -errno, "Can't get the memory policy");
		w->own.mode = mode;
	}
	if (syscall(SYS_set_mempolicy, p->mode, p->mode ? p->nodes : NULL, NODES_MAX))
		return cr_fail_errno(w->fill->ctx, -errno, "Can't fill memory by policy %u", p->mode);
	w->policy = policy;
	return 0;
}

/* With the lock: one step of the first job. */
static void step(struct worker *w)
{
	struct fill *fill = w->fill;
	struct fill_job *job = fill->first;
	struct batch b;
	uint64_t start;
	int r;

	if (fill->cancelled && !job->result)
		job->result = -ECANCELED;
	if (job->result)
		job->next_run = job->nr_runs;
	take_batch(job, &b);
	if (job->next_run >= job->nr_runs)
		unqueue_first(fill);
	job->nr_busy++;
	pthread_mutex_unlock(&fill->lock);
	start = now_us();
	r = take_policy(w, job->policy);
	if (!r)
		r = copy_batch(fill, job, &b, w->buf);
	start = now_us() - start;
	pthread_mutex_lock(&fill->lock);
	fill->stats.busy_us += start;
	if (!r)
		fill->stats.nr_pages += b.bytes >> RUN_PAGE_SHIFT;
	else if (!job->result)
		job->result = r;
	/* It is off the queue when all was taken; the last thread to be busy with it ends it. */
	if (!--job->nr_busy && job->next_run >= job->nr_runs)
		end_job(fill, job);
}

static void *thread_run(void *arg)
{
	struct fill *fill = arg;
	struct worker w = { .fill = fill };

	w.buf = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_mutex_lock(&fill->lock);
	if (w.buf == MAP_FAILED) {
		fill->cancelled = true;
		fill->result = fill->result ? fill->result : -ENOMEM;
	}
	while (fill->first || !fill->ending) {
		if (fill->first)
			step(&w);
		else
			pthread_cond_wait(&fill->more, &fill->lock);
	}
	pthread_mutex_unlock(&fill->lock);
	if (w.buf != MAP_FAILED)
		munmap(w.buf, CHUNK);
	return NULL;
}

int fill_start(struct cr_ctx *ctx, unsigned nr_threads, struct fill **ret)
{
	struct fill *fill = calloc(1, sizeof(*fill));
	int r = 0;

	if (!fill)
		return -ENOMEM;
	if (!nr_threads)
		nr_threads = pages_threads_for(UINT64_MAX);
	if (nr_threads > PAGES_THREADS_MAX)
		nr_threads = PAGES_THREADS_MAX;
	fill->ctx = ctx;
	fill->last = &fill->first;
	pthread_mutex_init(&fill->lock, NULL);
	pthread_cond_init(&fill->more, NULL);
	while (fill->nr_threads < nr_threads && !r) {
		r = pages_thread_start(&fill->threads[fill->nr_threads], thread_run, fill);
		if (!r)
			fill->nr_threads++;
	}
	if (!fill->nr_threads) {
		free(fill);
		return cr_fail_errno(ctx, r, "Can't start a thread that fills memory");
	}
	*ret = fill;
	return 0;
}

void fill_submit(struct fill *fill, struct fill_job *job)
{
	if (!job->nr_runs) {
		if (job->done)
			job->done(job, 0);
		return;
	}
	pthread_mutex_lock(&fill->lock);
	*fill->last = job;
	fill->last = &job->next;
	pthread_cond_broadcast(&fill->more);
	pthread_mutex_unlock(&fill->lock);
}

enum fill_way fill_choose(uint64_t bytes, const struct page_source *src)
{
	bool task_can_read = src->ops->caps & SOURCE_HAS_FILE;

	return task_can_read && bytes < PREAD_BELOW ? FILL_PREAD : FILL_OUTSIDE;
}

static int end(struct fill **pfill, bool cancel, struct fill_stats *stats)
{
	struct fill *fill = *pfill;
	int r;

	if (!fill)
		return 0;
	pthread_mutex_lock(&fill->lock);
	fill->ending = true;
	fill->cancelled |= cancel;
	pthread_cond_broadcast(&fill->more);
	pthread_mutex_unlock(&fill->lock);
	for (unsigned i = 0; i < fill->nr_threads; i++)
		pthread_join(fill->threads[i], NULL);
	r = fill->result;
	if (stats)
		*stats = fill->stats;
	pthread_mutex_destroy(&fill->lock);
	pthread_cond_destroy(&fill->more);
	free(fill);
	*pfill = NULL;
	return r;
}

int fill_finish(struct fill **fill, struct fill_stats *stats)
{
	return end(fill, false, stats);
}

void fill_cancel(struct fill **fill)
{
	end(fill, true, NULL);
}
