/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "pages/pagemap_scan.h"
#include "mem/vma.h"

/* Bits of an entry of /proc/PID/pagemap: Documentation/admin-guide/mm/pagemap.rst of the kernel. */
#define PME_PRESENT (1ull << 63)
#define PME_SWAPPED (1ull << 62)
#define PME_FILE    (1ull << 61)
#define PME_GUARD   (1ull << 58) /* Linux 6.15 */
#define PME_PFN	    ((1ull << 55) - 1)

/* One more thing that PAGEMAP_SCAN knows of a page since Linux 6.15: it is in a guard region. -EINVAL before. */
#define PMS_GUARD 0x100u

#define NR_REGIONS 512	/* answered by one PAGEMAP_SCAN */
#define NR_ENTRIES 4096 /* read from pagemap at once: 16 MiB of memory */

struct scan {
	const struct scan_args *args;
	struct page_run_list *out;
	int fd;
	uint64_t zero_pfn; /* of the zero page; 0 where the kernel hides frame numbers */
	uint64_t guard;	   /* PMS_GUARD where the kernel has it */
	union {
		struct pms_range regions[NR_REGIONS];
		uint64_t entries[NR_ENTRIES];
	} buf;
};

static uint32_t run_flags(const struct vma *v)
{
	uint32_t flags = PE_PRESENT;

	if ((v->status & VMA_ANON_PRIVATE) && !(v->status & VMA_AREA_VDSO) && !(v->flags & MAP_HUGETLB))
		flags |= PE_LAZY;
	if (!(v->prot & PROT_READ))
		flags |= RUN_FORCE;
	if (v->madv & 1ull << MADV_HUGEPAGE)
		flags |= RUN_ZEROS;
	return flags;
}

/* Guard regions of neighbouring areas stay apart. */
static int add_guard(struct scan *s, const struct vma *v, uint64_t start, uint64_t nr)
{
	return page_run_add(s->args->guards, start, nr, 0, start > v->start);
}

static int add_pages(struct scan *s, uint64_t vaddr, uint64_t nr, uint32_t flags)
{
	return page_run_add(s->out, vaddr, nr, flags, true);
}

/*
 * Wanted: (PRESENT or SWAPPED) and not PFNZERO; in file areas not FILE either. A shadow stack's or an anonymous
 * area's pages are never FILE, so one rule serves all private areas. The pages of a shared area are the segment's or
 * the file's, but its guard regions are its own. A page in a guard region counts as SWAPPED, too.
 */
static int scan_by_ioctl(struct scan *s, const struct vma *v, bool pages)
{
	uint64_t skip = pages ? PMS_ZERO | (v->status & VMA_FILE_PRIVATE ? PMS_FILE : 0) : 0;
	uint64_t wanted = (pages ? PMS_PRESENT | PMS_SWAPPED : 0) | s->guard;
	struct pms_request arg = {
		.size = sizeof(arg),
		.start = v->start,
		.end = v->end,
		.answers = (uintptr_t)s->buf.regions,
		.nr_answers = NR_REGIONS,
		.invert = skip,
		.all_of = skip,
		.any_of = wanted,
		.report = wanted,
	};

	while (wanted && arg.start < v->end) {
		int nr = ioctl(s->fd, PMS_IOCTL, &arg);

		if (nr < 0 && errno == EINTR)
			continue;
		if (nr < 0)
			return -errno;
		for (int i = 0; i < nr; i++) {
			const struct pms_range *reg = &s->buf.regions[i];
			uint64_t len = (reg->end - reg->start) >> RUN_PAGE_SHIFT;
			int r = reg->what & PMS_GUARD ? add_guard(s, v, reg->start, len)
						      : add_pages(s, reg->start, len, run_flags(v));

			if (r)
				return r;
		}
		if (arg.stopped_at <= arg.start)
			break;
		arg.start = arg.stopped_at;
	}
	return 0;
}

static bool entry_wanted(const struct scan *s, uint64_t entry, bool is_file)
{
	if (entry & PME_SWAPPED)
		return !(is_file && (entry & PME_FILE)) && !(entry & PME_GUARD);
	if (!(entry & PME_PRESENT) || (is_file && (entry & PME_FILE)))
		return false;
	return !s->zero_pfn || (entry & PME_PFN) != s->zero_pfn;
}

/* Of the NR entries that were read, for AT and on; takes what it found off *LEFT. */
static int take_entries(struct scan *s, const struct vma *v, uint64_t at, uint64_t nr, uint64_t *left)
{
	bool is_file = v->status & VMA_FILE_PRIVATE;

	for (uint64_t i = 0; i < nr; i++, at += RUN_PAGE_SIZE) {
		int r;

		if (!s->buf.entries[i] || !entry_wanted(s, s->buf.entries[i], is_file))
			continue;
		*left -= !!*left;
		r = add_pages(s, at, 1, run_flags(v));
		if (r)
			return r;
	}
	return 0;
}

/*
 * Eight bytes for each page, also where there is nothing, and terabytes may be reserved and never touched. So an area
 * ends for us when all pages that smaps has counted are found.
 */
static int scan_by_reading(struct scan *s, const struct vma *v)
{
	uint64_t at = v->start, left = v->nr_own;

	if (v->flags & MAP_HUGETLB) /* smaps counts those elsewhere */
		left = (v->end - v->start) >> RUN_PAGE_SHIFT;
	while (at < v->end && left) {
		uint64_t nr = (v->end - at) >> RUN_PAGE_SHIFT;
		int r;

		if (nr > NR_ENTRIES)
			nr = NR_ENTRIES;
		r = pread_full(s->fd, s->buf.entries, nr * sizeof(uint64_t), (at >> RUN_PAGE_SHIFT) * sizeof(uint64_t));
		if (!r)
			r = take_entries(s, v, at, nr, &left);
		if (r)
			return r;
		at += nr << RUN_PAGE_SHIFT;
	}
	return 0;
}

/* The frame of the zero page: what a page of our own that was only read is backed by. */
static uint64_t find_zero_pfn(void)
{
	_cleanup_close_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	char *page = mmap(NULL, RUN_PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t entry = 0;

	if (page == MAP_FAILED)
		return 0;
	if (fd >= 0 && *(volatile char *)page == 0)
		if (pread_full(fd, &entry, sizeof(entry), ((uintptr_t)page >> RUN_PAGE_SHIFT) * sizeof(entry)) ||
		    !(entry & PME_PRESENT))
			entry = 0;
	munmap(page, RUN_PAGE_SIZE);
	return entry & PME_PFN;
}

static int scan_vma(struct scan *s, const struct vma *v)
{
	uint64_t nr = (v->end - v->start) >> RUN_PAGE_SHIFT;
	int r;

	if (v->status & (VMA_AREA_VDSO | VMA_AREA_AIORING))
		return add_pages(s, v->start, nr, run_flags(v));
	if (!vma_is_private(v))
		return v->status & (VMA_FILE_SHARED | VMA_ANON_SHARED) ? scan_by_ioctl(s, v, false) : 0;
	if (s->args->use_pagemap_scan)
		return scan_by_ioctl(s, v, true);
	r = scan_by_reading(s, v);
	return r ? r : scan_by_ioctl(s, v, false);
}

int scan_task(const struct scan_args *args, struct page_run_list *ret, struct scan_stats *stats)
{
	_cleanup_free_ struct scan *s = calloc(1, sizeof(*s));
	uint64_t start = now_us(), scanned = 0;
	int r = 0;

	*ret = *args->guards = (struct page_run_list){};
	if (!s)
		return -ENOMEM;
	s->args = args;
	s->out = ret;
	s->fd = openat(args->procfd, "pagemap", O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return cr_fail_errno(args->ctx, -errno, "Can't open the pagemap of task %d", args->pid);
	s->guard = args->tell_guards ? PMS_GUARD : 0;
	if (!args->use_pagemap_scan)
		s->zero_pfn = find_zero_pfn();
	for (size_t i = 0; !r && i < args->vmas->nr; i++) {
		const struct vma *v = &args->vmas->v[i];

		r = scan_vma(s, v);
		if (r)
			cr_fail_errno(args->ctx, r, "Can't tell which pages of task %d are there in %llx-%llx",
				      args->pid, (unsigned long long)v->start, (unsigned long long)v->end);
		else if (vma_is_private(v))
			scanned += (v->end - v->start) >> RUN_PAGE_SHIFT;
	}
	close(s->fd);
	if (r) {
		page_run_list_free(ret);
		page_run_list_free(args->guards);
		return r;
	}
	if (stats)
		*stats = (struct scan_stats){ scanned, ret->nr_present, now_us() - start };
	return 0;
}

int scan_segment(struct cr_ctx *ctx, int fd, uint64_t size, struct page_run_list *ret)
{
	off_t end = (size + RUN_PAGE_SIZE - 1) & ~(RUN_PAGE_SIZE - 1), data = 0, hole;
	int r = 0;

	*ret = (struct page_run_list){};
	while (!r && data < end) {
		data = lseek(fd, data, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
		if (hole < 0) {
			r = cr_fail_errno(ctx, -errno, "Can't find the data of a shared segment");
			break;
		}
		data &= ~(RUN_PAGE_SIZE - 1);
		hole = (hole + RUN_PAGE_SIZE - 1) & ~(RUN_PAGE_SIZE - 1);
		if (hole > end)
			hole = end;
		if (data < hole)
			r = page_run_add(ret, data, (hole - data) >> RUN_PAGE_SHIFT, PE_PRESENT, true);
		data = hole;
	}
	if (r)
		page_run_list_free(ret);
	return r;
}
