/* SPDX-License-Identifier: GPL-2.0 */
#include "dump/aio.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "pie/aio_ring.h"

/* A disk answers in less; what takes longer (IOCB_CMD_POLL) may take for ever. */
#define SETTLE_NS (5 * 1000 * 1000)
#define MAX_TRIES 200

static int refuse_ring(struct dump *d, const struct task *task, const struct vma *v, const char *what)
{
	return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s): the AIO ring at %lx %s: this isn't supported", task->pid,
		       task->dump->stat.comm, (unsigned long)v->start, what);
}

static int read_head(struct dump *d, const struct task *task, const struct vma *v, struct aio_ring_head *ret)
{
	int r = compel_peek(task->pid, v->start, ret, sizeof(*ret));

	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't read the AIO ring of task %d at %lx", task->pid,
				     (unsigned long)v->start)
		     : 0;
}

/* A process inherits the memory of rings, but no contexts. */
static int check_context(struct dump *d, struct task *task, const struct vma *v)
{
	const unsigned long get_none[6] = { v->start };
	long result = -EINVAL;
	int r = compel_syscall_in(task->dump->parasite, &task->dump->threads[0], SYS_io_getevents, &result, get_none);

	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't ask for the AIO contexts of task %d", task->pid);
	return result < 0 ? refuse_ring(d, task, v, "has no context") : 0;
}

static int settle(struct dump *d, struct task *task, const struct vma *v, struct aio_ring_head *ret)
{
	const struct timespec pause = { 0, SETTLE_NS };
	uint32_t tail;
	int r;

	for (int tries = 0; tries < MAX_TRIES; tries++) {
		tail = ret->tail;
		nanosleep(&pause, NULL);
		r = read_head(d, task, v, ret);
		if (r < 0 || ret->tail == tail)
			return r;
	}
	return cr_fail(d->ctx, -EBUSY, "Task %d (%s): the AIO ring at %lx doesn't come to rest", task->pid,
		       task->dump->stat.comm, (unsigned long)v->start);
}

static int check_ring(struct dump *d, struct task *task, struct vma *v)
{
	struct aio_ring_head ring;
	int r = check_context(d, task, v);

	if (!r)
		r = read_head(d, task, v, &ring);
	if (!r && !aio_ring_sane(&ring, v->end - v->start))
		r = refuse_ring(d, task, v, "isn't whole or has strange content");
	if (!r)
		r = settle(d, task, v, &ring);
	if (!r)
		v->ring_tail = ring.tail;
	return r;
}

static int check_ring_again(struct dump *d, struct task *task, struct vma *v)
{
	struct aio_ring_head ring;
	int r = read_head(d, task, v, &ring);

	if (!r && ring.tail != v->ring_tail)
		r = cr_fail(d->ctx, -EBUSY, "Task %d (%s): requests of the AIO ring at %lx are under way", task->pid,
			    task->dump->stat.comm, (unsigned long)v->start);
	return r;
}

static int check_each(struct dump *d, struct task *task, int (*check)(struct dump *, struct task *, struct vma *))
{
	struct vma_list *vmas = &state_of(task)->vmas;
	int r = 0;

	for (size_t i = 0; i < vmas->nr && !r; i++)
		if (vmas->v[i].status & VMA_AREA_AIORING)
			r = check(d, task, &vmas->v[i]);
	return r;
}

int dump_check_rings(struct dump *d, struct task *task)
{
	return check_each(d, task, check_ring);
}

int dump_check_rings_again(struct dump *d, struct task *task)
{
	return check_each(d, task, check_ring_again);
}
