/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages of userfaultfd(2), and the answers. One thread does all: reading a message and recording it, and looking
 * whether a page is missing and installing it, each are one step for the others. The kernel refuses to install pages
 * (EAGAIN) from the moment an address space begins to change until the message about it was read.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/madvise.h"
#include "pager/stuck.h"
#include "pager/state.h"

/* What comes with a page that was asked for, as it is aligned. */
#define AROUND (64ul << 10)
/* Between two looks for faults. */
#define CHUNK (64ul << 10)
/* After which others may be among the deferred faults. */
#define OTHERS_US 300000
/* What of the source is mapped at once. */
#define POPULATE (1ul << 20)
/* Addresses that programs can have; below are those that the kernel keeps free. */
#define LOWEST	0x10000ul
#define HIGHEST 0x7ffffffff000ul

void end_memory(struct pager *p, struct pager_memory *m)
{
	m->gone = true;
	if (m->uffd < 0)
		return;
	epoll_ctl(p->epoll, EPOLL_CTL_DEL, m->uffd, NULL);
	close(m->uffd);
	m->uffd = -1;
}

static void wake(const struct pager_memory *m, uint64_t vaddr, uint64_t len)
{
	struct uffdio_range range = { vaddr, len };

	ioctl(m->uffd, UFFDIO_WAKE, &range);
}

static void drop(struct pager *p, struct pager_memory *m, uint64_t vaddr, uint64_t len)
{
	p->stats.dropped += pager_memory_forget(m, vaddr, vaddr + len);
}

/* ---- pages --------------------------------------------------------------------------------------------------- */

/* Copies PIECE. *COUNT grows by the pages that are there now. 0; -EAGAIN: not now; -ESRCH: M is no more. */
static int copy(struct pager *p, struct pager_memory *m, struct pager_piece piece, uint64_t *count)
{
	uint64_t step = piece.len, len;

	while (piece.len) {
		struct uffdio_copy arg = { .dst = piece.vaddr, .src = (uintptr_t)piece.from };

		arg.len = step < piece.len ? step : piece.len;
		len = arg.len;
		if (ioctl(m->uffd, UFFDIO_COPY, &arg)) {
			int err = errno;

			len = PAGER_PAGE;
			if (err == EAGAIN && arg.copy <= 0)
				return -EAGAIN;
			if (err == EAGAIN) {
				len = arg.copy;
				*count += pager_memory_forget(m, piece.vaddr, piece.vaddr + len);
			} else if (err == ENOENT && arg.len > PAGER_PAGE) {
				step = PAGER_PAGE; /* it is of two areas by now, or in part of none */
				continue;
			} else if (err == EEXIST || err == ENOENT) {
				drop(p, m, piece.vaddr, len);
				wake(m, piece.vaddr, len);
			} else if (err == ENOMEM || err == ESRCH) {
				return err == ESRCH ? -ESRCH : -EAGAIN;
			} else {
				pager_fail(p, "a page can't be copied", err);
			}
		} else {
			*count += pager_memory_forget(m, piece.vaddr, piece.vaddr + len);
		}
		piece.vaddr += len;
		piece.from += len;
		piece.len -= len;
	}
	return 0;
}

static int zero(struct pager *p, struct pager_memory *m, uint64_t vaddr)
{
	struct uffdio_zeropage arg = { .range = { vaddr, PAGER_PAGE } };

	if (!ioctl(m->uffd, UFFDIO_ZEROPAGE, &arg)) {
		p->stats.zeroed++;
		return 0;
	}
	if (errno == EAGAIN || errno == ENOMEM)
		return -EAGAIN;
	if (errno == ESRCH)
		return -ESRCH;
	if (errno != EEXIST && errno != ENOENT)
		pager_fail(p, "a page can't be zeroed", errno);
	wake(m, vaddr, PAGER_PAGE);
	return 0;
}

bool near_some(struct pager *p, struct pager_memory *m, uint64_t max)
{
	uint64_t start = m->near & ~(AROUND - 1);
	struct pager_piece piece;
	int err;

	/* Those above it first. */
	while (m->near && !m->gone) {
		if (!pager_memory_next_in(m, m->near, start + AROUND, max, &piece) &&
		    !pager_memory_next_in(m, start, m->near, max, &piece)) {
			m->near = 0;
			return false;
		}
		err = copy(p, m, piece, &p->stats.served);
		if (err == -ESRCH)
			end_memory(p, m);
		if (err || max < AROUND)
			return !err;
	}
	return false;
}

/*
 * The page itself first: who waits for it goes on while its neighbours come. These wait for other faults, but not where
 * memory is read in order.
 */
static int serve_fault(struct pager *p, struct pager_memory *m, uint64_t vaddr)
{
	struct pager_piece page;
	bool in_order;
	int err;

	vaddr &= ~(PAGER_PAGE - 1);
	if (!pager_memory_find(m, vaddr, vaddr, vaddr + PAGER_PAGE, &page))
		return zero(p, m, vaddr);
	in_order = vaddr - m->near_last <= AROUND;
	err = copy(p, m, page, &p->stats.served);
	if (err)
		return err;
	m->cursor = m->near = m->near_last = vaddr;
	p->turn = m;
	p->populated = 0;
	if (in_order)
		near_some(p, m, AROUND);
	return 0;
}

static void on_fault(struct pager *p, struct pager_memory *m, uint64_t vaddr)
{
	int err = serve_fault(p, m, vaddr);

	if (!err)
		p->stats.faults++;
	if (err == -ESRCH)
		end_memory(p, m);
	if (err != -EAGAIN)
		return;
	if (!m->nr_deferred)
		m->deferred_since = now_us();
	if (m->nr_deferred < PAGER_DEFERRED)
		m->deferred[m->nr_deferred++] = vaddr;
	else
		m->has_more = true;
}

/* Faults that were read and not answered are told again. */
static void tell_again(struct pager_memory *m)
{
	m->nr_deferred = 0;
	m->has_more = false;
	wake(m, LOWEST, HIGHEST - LOWEST);
}

void serve_deferred(struct pager *p, struct pager_memory *m)
{
	uint64_t since = m->deferred_since;
	unsigned nr = m->nr_deferred;

	if (!nr)
		return;
	m->nr_deferred = 0;
	for (unsigned i = 0; i < nr && !m->gone; i++)
		on_fault(p, m, m->deferred[i]);
	if (m->gone)
		return;
	if (!m->nr_deferred) {
		if (m->has_more)
			tell_again(m);
		return;
	}
	m->deferred_since = m->nr_deferred == nr ? since : m->deferred_since;
	if (stuck_help(m, now_us()))
		m->deferred_since = now_us();
	else if (m->has_more && now_us() - m->deferred_since > OTHERS_US)
		tell_again(m);
}

/* ---- messages ------------------------------------------------------------------------------------------------ */

static bool is_known(const struct pager *p, int uffd)
{
	for (const struct pager_memory *m = p->memories; m; m = m->next)
		if (m->uffd == uffd)
			return true;
	return false;
}

static void watch(struct pager *p, struct pager_memory *m)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = m };

	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, m->uffd, &event) && errno != EEXIST)
		pager_fail(p, "a memory can't be watched", errno);
}

/* The kernel has put the child's descriptor into our table. */
static void on_fork(struct pager *p, struct pager_memory *m, int uffd)
{
	struct pager_memory *child;
	int err;

	if (is_known(p, uffd))
		return;
	err = pager_memory_clone(m, &child);
	if (!err)
		err = switch_raise(&p->kill_switch, uffd);
	if (err)
		pager_fail(p, "a fork can't be followed", -err);
	child->uffd = uffd;
	child->forked_by = m;
	child->forked_us = now_us();
	child->next = p->memories;
	__atomic_store_n(&p->memories, child, __ATOMIC_RELEASE);
	p->stats.forks++;
	watch(p, child);
}

/* ID is of this message alone. What is done twice is as if it were done once. */
static void apply(struct pager *p, struct pager_memory *m, const struct uffd_msg *msg, uint64_t id)
{
	int err;

	switch (msg->event) {
	case UFFD_EVENT_FORK:
		on_fork(p, m, msg->arg.fork.ufd);
		break;
	case UFFD_EVENT_REMAP:
		err = pager_memory_move(m, msg->arg.remap.from, msg->arg.remap.to, msg->arg.remap.len, id);
		if (err)
			pager_fail(p, "moved memory can't be followed", -err);
		break;
	case UFFD_EVENT_REMOVE:
	case UFFD_EVENT_UNMAP:
		drop(p, m, msg->arg.remove.start, msg->arg.remove.end - msg->arg.remove.start);
		break;
	}
}

static void apply_from(struct pager *p, struct pager_memory *m, unsigned first)
{
	for (unsigned i = first; i < PAGER_MESSAGES && m->msg[i].event && !m->gone; i++) {
		if (m->msg[i].event != UFFD_EVENT_PAGEFAULT)
			apply(p, m, &m->msg[i], m->batch * PAGER_MESSAGES + i);
		__atomic_store_n(&m->next_msg, i + 1, __ATOMIC_RELEASE);
	}
}

void serve_messages(struct pager *p, struct pager_memory *m)
{
	ssize_t got;

	for (int i = 0; i < PAGER_MESSAGES; i++)
		m->msg[i].event = 0;
	__atomic_store_n(&m->batch, m->batch + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&m->next_msg, 0, __ATOMIC_RELEASE);
	got = read(m->uffd, m->msg, sizeof(m->msg));
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		pager_fail(p, "messages can't be read", errno);
	if (got <= 0)
		return;
	/* All that happened before any answer: then what is missing is as the tasks see it. */
	apply_from(p, m, 0);
	for (int i = 0; i < PAGER_MESSAGES && m->msg[i].event && !m->gone; i++)
		if (m->msg[i].event == UFFD_EVENT_PAGEFAULT)
			on_fault(p, m, m->msg[i].arg.pagefault.address);
}

void recover_memory(struct pager *p, struct pager_memory *m)
{
	if (m->gone) {
		end_memory(p, m);
		return;
	}
	apply_from(p, m, m->next_msg);
	m->nr_missing = pager_memory_count(m);
	watch(p, m);
	tell_again(m);
}

/* ---- the background ------------------------------------------------------------------------------------------ */

bool fill_some(struct pager *p, struct pager_memory *m)
{
	struct pager_piece piece;
	int err;

	if (!pager_memory_next(m, POPULATE, &piece))
		return false;
	if (p->turn != m || piece.vaddr >= p->populated || piece.vaddr + POPULATE < p->populated) {
		madvise((void *)piece.from, piece.len, MADV_POPULATE_READ);
		p->turn = m;
		p->populated = piece.vaddr + piece.len;
	}
	if (piece.len > CHUNK)
		piece.len = CHUNK;
	err = copy(p, m, piece, &p->stats.filled);
	if (err == -ESRCH)
		end_memory(p, m);
	return err != -EAGAIN;
}

/* A copy that can't succeed, from nowhere, tells whether anybody has the memory. */
bool is_dead(const struct pager_memory *m)
{
	struct uffdio_copy arg = { .dst = HIGHEST - PAGER_PAGE, .src = 0, .len = PAGER_PAGE };

	return ioctl(m->uffd, UFFDIO_COPY, &arg) && errno == ESRCH;
}
