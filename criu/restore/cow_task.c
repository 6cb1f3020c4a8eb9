/* SPDX-License-Identifier: GPL-2.0 */
/* What tasks do before they run the restorer, each in its turn. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/io.h"
#include "restore/cow.h"
#include "restore/fork.h"
#include "restore/turn.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/* ---- mapping ------------------------------------------------------------------------------------------------- */

static int map_segment(struct restore *r, const struct cow_segment *s)
{
	uint64_t len = s->end - s->start;
	int fd = -1, err = 0;

	if (!s->kind.anon)
		err = fd_restore_get(r->fds, s->kind.file, &fd);
	if (err)
		return cr_fail_errno(&r->ctx, err, "There is no file %llu for the area at %#llx",
				     (unsigned long long)s->kind.file, (unsigned long long)s->start);
	/* Over what keeps the addresses free. */
	if (mmap((void *)s->place, len, PROT_READ | PROT_WRITE, s->kind.flags | MAP_FIXED, fd,
		 s->kind.anon ? 0 : s->start - s->kind.origin) == MAP_FAILED)
		return cr_fail_errno(&r->ctx, -errno, "Can't map %#llx-%#llx for all tasks",
				     (unsigned long long)s->start, (unsigned long long)s->end);
	return 0;
}

int cow_map(struct restore *r)
{
	struct cow *cow = r->cow;
	bool any = false;
	int err = 0;

	for (size_t i = 0; cow && i < cow->nr_segments && !err; i++) {
		if (!cow->segments[i].place)
			continue;
		any = true;
		err = map_segment(r, &cow->segments[i]);
	}
	if (!any || err)
		return err;
	/* A huge page would have pages in it that nobody has put there. */
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		return cr_fail_errno(&r->ctx, -errno, "Can't disable huge pages");
	cow->mapped = true;
	return 0;
}

/* ---- pages --------------------------------------------------------------------------------------------------- */

static int read_pages(struct restore *r, const struct cow_task *t, size_t first)
{
	for (size_t i = first; i < t->nr_puts; i++) {
		const struct page_run_at *run = &t->puts[i];
		int err = pread_full(t->put_from[i]->pages_fd, (void *)run->vaddr, run->nr_pages * RUN_PAGE_SIZE,
				     run->offset);

		if (err)
			return cr_fail_errno(&r->ctx, err, "Can't read %llu pages of task %d",
					     (unsigned long long)run->nr_pages, t->put_from[i]->task->pid);
	}
	return 0;
}

/* A userfaultfd of all segments that some of T's pages from outside are in. */
static int make_uffd(const struct cow *cow, const struct cow_task *t)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	size_t k = 0;

	if (fd < 0 && errno == EPERM)
		fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return -errno;
	/* They stand in the order of the segments, each in one. */
	for (size_t i = 0; i < cow->nr_segments && k < t->nr_outside; i++) {
		const struct cow_segment *s = &cow->segments[i];
		uint64_t len = s->end - s->start;
		struct uffdio_register reg = { { s->place, len }, UFFDIO_REGISTER_MODE_MISSING, 0 };
		size_t first = k;

		while (s->place && k < t->nr_outside && t->puts[k].vaddr >= s->place &&
		       t->puts[k].vaddr < s->place + len)
			k++;
		if (k > first && ioctl(fd, UFFDIO_REGISTER, &reg))
			return -errno;
	}
	return fd;
}

static int fill_outside(struct restore *r, struct restore_task *creator, struct restore_task *child)
{
	struct restore_slot *slot = creator->slot;
	int fd = make_uffd(r->cow, child->cow);

	if (fd < 0)
		return cr_fail_errno(&r->ctx, fd, "Can't make a userfaultfd");
	slot->fill = FILL_PENDING;
	slot->born_next = child->slot - r->shared->slots;
	slot->uffd = fd;
	/* The engine takes it while we are stopped. */
	if (syscall(SYS_tgkill, creator->task->pid, creator->task->pid, SIGSTOP))
		return cr_fail_errno(&r->ctx, -errno, "Can't stop");
	wait_on(&slot->fill, FILL_PENDING);
	close(fd);
	if (slot->fill != FILL_DONE)
		return cr_fail(&r->ctx, -EIO, "The memory of task %d could not be filled", creator->task->pid);
	slot->fill = FILL_PENDING;
	return 0;
}

int cow_put_pages(struct restore *r, struct restore_task *creator, struct restore_task *child)
{
	const struct cow_task *t = child->cow;
	size_t first = 0;
	int err;

	if (!t || !t->nr_puts)
		return 0;
	err = task_stage(r, creator, STAGE_PUT);
	if (!err && t->nr_outside && fill_choose(t->outside_pages * RUN_PAGE_SIZE, creator->source) == FILL_OUTSIDE) {
		err = fill_outside(r, creator, child);
		first = t->nr_outside;
	}
	return err ?: read_pages(r, t, first);
}

/* ---- what is left -------------------------------------------------------------------------------------------- */

static int unmap(struct restore *r, const struct cow_segment *s, uint64_t start, uint64_t end)
{
	if (start < end && munmap((void *)cow_place(s, start), end - start))
		return cr_fail_errno(&r->ctx, -errno, "Can't unmap %#llx-%#llx", (unsigned long long)start,
				     (unsigned long long)end);
	return 0;
}

/* So that nothing stands in the way of the restorer: everything but the parts that are inherited. */
static int trim(struct restore *r, const struct cow_task *t)
{
	size_t p = 0;
	int err = 0;

	for (size_t i = 0; i < r->cow->nr_segments && !err; i++) {
		const struct cow_segment *s = &r->cow->segments[i];
		uint64_t at = s->start;

		for (; p < t->nr_parts && t->parts[p].segment <= i && !err; p++) {
			if (!t->parts[p].inherited)
				continue;
			err = unmap(r, s, at, t->parts[p].start);
			at = t->parts[p].end;
		}
		if (s->place && !err)
			err = unmap(r, s, at, s->end);
	}
	return err;
}

static int drop_pages(struct restore *r, const struct cow_task *t)
{
	const struct cow_segment *s = r->cow->segments;

	for (size_t i = 0; i < t->dropped.nr; i++) {
		const struct page_run *run = &t->dropped.v[i];

		while (run->vaddr >= s->end)
			s++;
		if (madvise((void *)cow_place(s, run->vaddr), run->nr_pages * RUN_PAGE_SIZE, MADV_DONTNEED))
			return cr_fail_errno(&r->ctx, -errno, "Can't drop the pages at %#llx",
					     (unsigned long long)run->vaddr);
	}
	return 0;
}

int cow_settle(struct restore *r, struct restore_task *rt)
{
	int err;

	if (!r->cow || !r->cow->mapped || is_guest(rt, SHARE_VM))
		return 0;
	err = trim(r, rt->cow);
	if (!err)
		err = drop_pages(r, rt->cow);
	if (!err && prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0))
		err = cr_fail_errno(&r->ctx, -errno, "Can't enable huge pages");
	return err;
}
