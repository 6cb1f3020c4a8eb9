/* SPDX-License-Identifier: GPL-2.0 */
#include <compel/plugins/std.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <stdbool.h>
#include <linux/ioctl.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "pie/restorer.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef SHM_RDONLY
#define SHM_RDONLY 010000
#define SHM_REMAP  040000
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static void *ptr(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

static void move(struct restorer_args *args, uint64_t from, uint64_t to, uint64_t len)
{
	long got = sys_mremap(ptr(from), len, len, MREMAP_MAYMOVE | MREMAP_FIXED, ptr(to));

	check(args, OP_MOVE_VDSO, got < 0 && got > -4096 ? got : 0, from, to);
}

static void unmap_old(struct restorer_args *args)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < args->nr_moves; i++)
		move(args, args->moves[i].from, args->moves[i].aside, args->moves[i].len);
	for (uint64_t i = 0; i < args->nr_kept; i++) {
		const struct plan_iov *kept = &args->kept[i];

		if (at < kept->addr)
			check(args, OP_UNMAP, sys_munmap(ptr(at), kept->addr - at), at, kept->addr);
		at = kept->addr + kept->len;
	}
	check(args, OP_UNMAP, sys_munmap(ptr(at), args->task_size - at), at, args->task_size);
}

void advise(struct restorer_args *args, uint64_t start, uint64_t len, uint64_t madv)
{
	for (uint64_t left = madv; left; left &= left - 1) {
		int advice = __builtin_ctzll(left);

		check(args, OP_MADVISE, sys_madvise(ptr(start), len, advice), start, advice);
	}
}

/* An area that was inherited, with pages that are shared. */
static void place_area(struct restorer_args *args, const struct plan_area *a)
{
	long got = a->start;

	if (a->place != a->start)
		got = sys_mremap(ptr(a->place), a->len, a->len, MREMAP_MAYMOVE | MREMAP_FIXED, ptr(a->start));
	if (got < 0 && got > -4096)
		give_up(args, OP_INHERIT, got, a->place, a->start);
	advise(args, a->start, a->len, a->madv);
}

/* The kernel puts uprobes into the code of files where it is mapped, unless that is writable. */
static bool may_have_uprobes(const struct plan_area *a)
{
	return a->fd >= 0 && (a->prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC && (a->flags & MAP_TYPE) == MAP_PRIVATE;
}

static void map_area(struct restorer_args *args, const struct plan_area *a)
{
	uint32_t filling = a->how & PLAN_AREA_WRITABLE ? a->prot | PROT_WRITE : a->prot;
	uint32_t prot = may_have_uprobes(a) ? a->prot : filling;
	uint32_t flags = a->flags;
	int32_t fd = a->fd;
	long got;

	if (a->how & PLAN_AREA_ATTACH) { /* it keeps the place free */
		prot = PROT_NONE;
		flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
		fd = -1;
	}
	got = sys_mmap(ptr(a->start), a->len, prot, flags | MAP_FIXED_NOREPLACE, fd, fd < 0 ? 0 : a->pgoff);
	if (got < 0 && got > -4096)
		give_up(args, OP_MAP, got, a->start, a->start + a->len);
	if (prot == a->prot && prot != filling)
		check(args, OP_PROTECT, sys_mprotect(ptr(a->start), a->len, filling), a->start, a->start + a->len);
	if (!(a->how & PLAN_AREA_ATTACH))
		advise(args, a->start, a->len, a->madv);
}

static bool same_attachment(const struct plan_area *a, const struct plan_area *b)
{
	uint32_t how = PLAN_AREA_ATTACH | PLAN_AREA_READONLY;

	return (a->how & how) == (b->how & how) && a->fd == b->fd && a->start - a->pgoff == b->start - b->pgoff;
}

/* Attaches the segment somewhere, moves the pieces that are wanted to their places and lets go of the rest. */
static void attach(struct restorer_args *args, const struct plan_area first, struct plan_area *areas, uint64_t nr)
{
	bool readonly = first.how & PLAN_AREA_READONLY;
	uint32_t usual = readonly ? PROT_READ : PROT_READ | PROT_WRITE;
	int flags = readonly ? SHM_RDONLY : 0;
	bool in_place = first.len == first.whole; /* needs no mremap(2), which huge pages have since Linux 5.16 */
	long at =
		in_place ? sys_shmat(first.fd, ptr(first.start), flags | SHM_REMAP) : sys_shmat(first.fd, NULL, flags);

	if (at < 0 && at > -4096)
		give_up(args, OP_ATTACH, at, first.fd, first.start);
	for (uint64_t i = 0; i < nr; i++) {
		struct plan_area *a = &areas[i];
		long got = 0;

		if (!same_attachment(&first, a))
			continue;
		if (!in_place)
			got = sys_mremap(ptr(at + a->pgoff), a->len, a->len, MREMAP_MAYMOVE | MREMAP_FIXED,
					 ptr(a->start));
		if (got < 0 && got > -4096)
			give_up(args, OP_ATTACH, got, a->fd, a->start);
		if (a->prot != usual)
			check(args, OP_PROTECT, sys_mprotect(ptr(a->start), a->len, a->prot), a->start,
			      a->start + a->len);
		advise(args, a->start, a->len, a->madv);
		a->how &= ~PLAN_AREA_ATTACH;
	}
	if (!in_place)
		check(args, OP_ATTACH, sys_munmap(ptr(at), first.whole), first.fd, at);
}

static void map_areas(struct restorer_args *args)
{
	for (uint64_t i = 0; i < args->nr_areas; i++) {
		if (args->areas[i].place)
			place_area(args, &args->areas[i]);
		else if (!(args->areas[i].how & PLAN_AREA_GUARD))
			map_area(args, &args->areas[i]);
	}
	/* Now nothing that is attached anywhere can be in the way. */
	for (uint64_t i = 0; i < args->nr_areas; i++)
		if (args->areas[i].how & PLAN_AREA_ATTACH)
			attach(args, args->areas[i], &args->areas[i], args->nr_areas - i);
}

/* Advice for the areas that take small pages while they are filled. */
static void advise_small(struct restorer_args *args, int advice)
{
	for (uint64_t i = 0; i < args->nr_areas; i++) {
		const struct plan_area *a = &args->areas[i];

		if (a->how & PLAN_AREA_SMALL)
			advise(args, a->start, a->len, 1ull << advice);
	}
}

static void populate_huge(struct restorer_args *args)
{
	for (uint64_t i = 0; i < args->nr_huge; i++) {
		const struct plan_iov *h = &args->huge[i];

		check(args, OP_FILL, sys_madvise(ptr(h->addr), h->len, MADV_POPULATE_WRITE), h->addr, h->len);
	}
	advise_small(args, MADV_NOHUGEPAGE);
}

/* The engine takes the descriptor while we are stopped; it fills while we read our part ourselves. */
static long offer_uffd(struct restorer_args *args)
{
	uint64_t events = UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE |
			  UFFD_FEATURE_EVENT_UNMAP;
	struct uffdio_api api = { .api = UFFD_API, .features = args->lazy ? events : 0 };
	long fd = sys_userfaultfd(O_CLOEXEC | O_NONBLOCK);

	if (fd == -1 && !args->lazy) /* EPERM: see userfaultfd(2), vm.unprivileged_userfaultfd */
		fd = sys_userfaultfd(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	check(args, OP_UFFD_CREATE, fd, 0, 0);
	check(args, OP_UFFD_CREATE, sys_ioctl(fd, UFFDIO_API, (uintptr_t)&api), 0, 0);
	for (uint64_t i = 0; i < args->nr_areas; i++) {
		const struct plan_area *a = &args->areas[i];
		struct uffdio_register reg = { { a->start, a->len }, UFFDIO_REGISTER_MODE_MISSING, 0 };

		if (a->how & PLAN_AREA_UFFD)
			check(args, OP_UFFD_REGISTER, sys_ioctl(fd, UFFDIO_REGISTER, (uintptr_t)&reg), a->start,
			      a->start + a->len);
	}
	args->slot->uffd = fd;
	enter_stage(args, STAGE_UFFD);
	stop_self(args);
	return fd;
}

/* N bytes of the parts from *IOV on are there. */
static void advance(struct plan_iov **iov, uint32_t *nr, uint64_t n)
{
	while (*nr && n >= (*iov)->len) {
		n -= (*iov)->len;
		++*iov;
		--*nr;
	}
	if (*nr) {
		(*iov)->addr += n;
		(*iov)->len -= n;
	}
}

static void read_pages(struct restorer_args *args)
{
	if (args->readahead && args->nr_reads)
		sys_readahead(args->pages_fd, 0, args->pages_len);
	for (uint64_t i = 0; i < args->nr_reads; i++) {
		struct plan_iov *iov = &args->iovs[args->reads[i].first_iov];
		uint32_t nr = args->reads[i].nr_iovs;
		uint64_t offset = args->reads[i].offset;

		while (nr) {
			long got = sys_preadv(args->pages_fd, iov, nr, offset, 0);

			if (got <= 0)
				give_up(args, OP_READ_PAGES, got ?: -5, iov->addr, offset);
			advance(&iov, &nr, got);
			offset += got;
		}
	}
}

static void lock_area(struct restorer_args *args, const struct plan_area *a)
{
	long err = a->how & PLAN_AREA_ONFAULT ? sys_mlock2(ptr(a->start), a->len, MLOCK_ONFAULT)
					      : sys_mlock(ptr(a->start), a->len);

	/* Where something may not be touched the area is locked all the same, but can't be populated. */
	check(args, OP_LOCK, a->prot && !(a->how & PLAN_AREA_GUARDED) ? err : 0, a->start, a->start + a->len);
}

/* What could not be so before the pages were there. */
static void finish_areas(struct restorer_args *args)
{
	uint32_t any = 0;

	for (uint64_t i = 0; i < args->nr_areas; i++) {
		const struct plan_area *a = &args->areas[i];
		uint64_t end = a->start + a->len;

		any |= a->how;
		if (a->how & PLAN_AREA_GUARD)
			check(args, OP_GUARD, sys_madvise(ptr(a->start), a->len, MADV_GUARD_INSTALL), a->start, end);
		else if (a->how & PLAN_AREA_WRITABLE)
			check(args, OP_PROTECT, sys_mprotect(ptr(a->start), a->len, a->prot), a->start, end);
	}
	/* A locked area takes no guard regions any more, a sealed one nothing. */
	for (uint64_t i = 0; any & (PLAN_AREA_LOCK | PLAN_AREA_SEAL) && i < args->nr_areas; i++) {
		const struct plan_area *a = &args->areas[i];

		if (a->how & PLAN_AREA_LOCK)
			lock_area(args, a);
		if (a->how & PLAN_AREA_SEAL)
			check(args, OP_SEAL, sys_mseal(ptr(a->start), a->len, 0), a->start, a->start + a->len);
	}
}

static void place_vdso(struct restorer_args *args)
{
	struct plan_proxy *proxy = &args->proxy;

	for (uint32_t i = 0; i < args->nr_moves; i++) {
		struct plan_move *m = &args->moves[i];

		if (m->to)
			move(args, m->aside, m->to, m->len);
	}
	if (proxy->len) {
		long got = sys_mmap(ptr(proxy->addr), proxy->len, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (got < 0 && got > -4096)
			give_up(args, OP_MAP, got, proxy->addr, proxy->addr + proxy->len);
		memcpy(ptr(proxy->addr), proxy->content, proxy->len);
		check(args, OP_PROTECT, sys_mprotect(ptr(proxy->addr), proxy->len, PROT_READ | PROT_EXEC), proxy->addr,
		      proxy->addr + proxy->len);
	}
}

void restore_memory(struct restorer_args *args)
{
	long uffd = -1;

	unmap_old(args);
	restore_memory_attributes(args);
	map_areas(args);
	create_rings(args);
	restore_area_policies(args);
	populate_huge(args);
	if (args->outside)
		uffd = offer_uffd(args);
	read_pages(args);
	if (args->outside) {
		wait_while(&args->slot->fill, FILL_PENDING);
		sys_close(uffd);
		check(args, OP_FILL, args->slot->fill == FILL_DONE ? 0 : -5, 0, 0);
	}
	advise_small(args, MADV_HUGEPAGE);
	finish_rings(args);
	finish_areas(args);
	place_vdso(args);
	check(args, OP_MM_MAP, sys_prctl(PR_SET_MM, PR_SET_MM_MAP, (uintptr_t)&args->mm, sizeof(args->mm), 0), 0, 0);
}
