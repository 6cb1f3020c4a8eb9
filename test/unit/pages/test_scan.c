/* SPDX-License-Identifier: GPL-2.0 */
/* scan_task(): both ways of looking give the same runs, and the right ones. */
#include "pages/fixture.h"

#include <sys/ioctl.h>

#include "pages/pagemap_scan.h"
#include "mem/scan.h"
#include "mem/vma.h"

#define NR 64ul

struct areas {
	char *anon, *none, *file, *shared, *untouched;
	int fd;
};

static int make_areas(struct areas *a)
{
	char *base = mmap(NULL, 6 * NR * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int rw = PROT_READ | PROT_WRITE;

	a->fd = memfd_create("scan", MFD_CLOEXEC);
	if (base == MAP_FAILED || a->fd < 0 || ftruncate(a->fd, NR * PAGE))
		return -1;
	a->anon = mmap(base, NR * PAGE, rw, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	a->none = mmap(base + NR * PAGE, NR * PAGE, rw, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	a->file = mmap(base + 2 * NR * PAGE, NR * PAGE, rw, MAP_FIXED | MAP_PRIVATE, a->fd, 0);
	a->shared = mmap(base + 3 * NR * PAGE, NR * PAGE, rw, MAP_FIXED | MAP_SHARED, a->fd, 0);
	a->untouched = mmap(base + 4 * NR * PAGE, NR * PAGE, rw, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(base, 5 * NR * PAGE, MADV_NOHUGEPAGE);
	return 0;
}

static void touch(void *arg)
{
	struct areas *a = arg;

	for (unsigned i = 0; i < NR; i++)
		a->shared[i * PAGE] = 1; /* file pages: not the task's own in the private mapping */
	for (unsigned i = 0; i < NR; i++)
		(void)*(volatile char *)(a->anon + i * PAGE); /* the zero page everywhere */
	for (unsigned i = 0; i < NR; i++)
		(void)*(volatile char *)(a->file + i * PAGE);
	memset(a->anon + 3 * PAGE, 1, 2 * PAGE);
	memset(a->anon + 9 * PAGE, 1, PAGE);
	memset(a->anon + (NR - 1) * PAGE, 1, PAGE);
	memset(a->none, 1, PAGE);
	memset(a->none + 5 * PAGE, 1, PAGE);
	mprotect(a->none, NR * PAGE, PROT_NONE);
	memset(a->file + 7 * PAGE, 1, 3 * PAGE);
}

static bool have_ioctl(int procfd)
{
	struct pms_range reg;
	struct pms_request arg = { .size = sizeof(arg),
				   .answers = (uintptr_t)&reg,
				   .nr_answers = 1,
				   .all_of = PMS_PRESENT,
				   .report = PMS_PRESENT };
	int fd = openat(procfd, "pagemap", O_RDONLY);
	bool have = ioctl(fd, PMS_IOCTL, &arg) >= 0;

	close(fd);
	return have;
}

static struct vma area(char *start, uint32_t prot, uint32_t status)
{
	return (struct vma){ .start = (uintptr_t)start,
			     .end = (uintptr_t)start + NR * PAGE,
			     .prot = prot,
			     .status = VMA_AREA_REGULAR | status,
			     .flags = MAP_PRIVATE,
			     .nr_own = NR,
			     .file_fd = -1 };
}

static void assert_run(const struct page_run *run, const char *at, uint64_t nr, uint32_t flags)
{
	assert_int_equal(run->vaddr, (uintptr_t)at);
	assert_int_equal(run->nr_pages, nr);
	assert_int_equal(run->flags, PE_PRESENT | flags);
}

static void test_both_ways(void **state)
{
	struct fixture *f = *state;
	struct areas a = { 0 };
	struct vma vmas[5];
	struct vma_list list = { .v = vmas, .nr = 5 };
	struct page_run_list guards;
	struct scan_args args = { .ctx = &f->ctx, .vmas = &list, .guards = &guards };

	assert_int_equal(make_areas(&a), 0);
	vmas[0] = area(a.anon, PROT_READ | PROT_WRITE, VMA_ANON_PRIVATE);
	vmas[1] = area(a.none, PROT_NONE, VMA_ANON_PRIVATE);
	vmas[2] = area(a.file, PROT_READ | PROT_WRITE, VMA_FILE_PRIVATE);
	vmas[3] = area(a.shared, PROT_READ | PROT_WRITE, VMA_FILE_SHARED);
	vmas[4] = area(a.untouched, PROT_READ | PROT_WRITE, VMA_ANON_PRIVATE);
	args.pid = child_begin(touch, &a, &args.procfd);
	for (unsigned way = 0; way < 2; way++) {
		struct page_run_list runs;
		struct scan_stats stats;

		args.use_pagemap_scan = way;
		if (way && !have_ioctl(args.procfd))
			break;
		/* Who may not see frame numbers can't tell the zero page from others by reading. */
		if (!way && geteuid())
			continue;
		assert_int_equal(scan_task(&args, &runs, &stats), 0);
		assert_int_equal(runs.nr, 6);
		assert_run(&runs.v[0], a.anon + 3 * PAGE, 2, PE_LAZY);
		assert_run(&runs.v[1], a.anon + 9 * PAGE, 1, PE_LAZY);
		assert_run(&runs.v[2], a.anon + (NR - 1) * PAGE, 1, PE_LAZY);
		assert_run(&runs.v[3], a.none, 1, PE_LAZY | RUN_FORCE);
		assert_run(&runs.v[4], a.none + 5 * PAGE, 1, PE_LAZY | RUN_FORCE);
		assert_run(&runs.v[5], a.file + 7 * PAGE, 3, 0);
		assert_int_equal(runs.nr_present, 9);
		assert_int_equal(stats.nr_stored, 9);
		assert_int_equal(stats.nr_scanned, 4 * NR);
		page_run_list_free(&runs);
		/* The vDSO whole, vvar not at all. */
		vmas[4].status |= VMA_AREA_VDSO;
		vmas[0].status |= VMA_AREA_VVAR;
		vmas[1].status |= VMA_AREA_VVAR;
		assert_int_equal(scan_task(&args, &runs, NULL), 0);
		assert_int_equal(runs.nr, 2);
		assert_run(&runs.v[1], a.untouched, NR, 0);
		page_run_list_free(&runs);
		vmas[0].status = vmas[1].status = vmas[4].status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE;
	}
	child_end(args.pid, args.procfd);
	close(a.fd);
}

static char *many;
#define MANY 20000ul

static void touch_every_third(void *arg)
{
	for (unsigned long i = 0; i < MANY; i += 3)
		many[i * PAGE] = 1;
}

/* More runs than one answer of the kernel holds. */
static void test_many_runs(void **state)
{
	struct fixture *f = *state;
	struct vma v = { .status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE, .prot = PROT_READ, .nr_own = MANY };
	struct vma_list list = { .v = &v, .nr = 1 };
	struct page_run_list guards;
	struct scan_args args = { .ctx = &f->ctx, .vmas = &list, .guards = &guards };

	many = mmap(NULL, MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(many, MANY * PAGE, MADV_NOHUGEPAGE);
	v.start = (uintptr_t)many;
	v.end = v.start + MANY * PAGE;
	args.pid = child_begin(touch_every_third, NULL, &args.procfd);
	for (unsigned way = 0; way < 2; way++) {
		struct page_run_list runs;

		args.use_pagemap_scan = way;
		if (way && !have_ioctl(args.procfd))
			break;
		assert_int_equal(scan_task(&args, &runs, NULL), 0);
		assert_int_equal(runs.nr, (MANY + 2) / 3);
		for (size_t i = 0; i < runs.nr; i++)
			assert_run(&runs.v[i], many + 3 * i * PAGE, 1, PE_LAZY);
		page_run_list_free(&runs);
	}
	child_end(args.pid, args.procfd);
	munmap(many, MANY * PAGE);
}

static void test_segment(void **state)
{
	struct fixture *f = *state;
	struct page_run_list runs;
	int fd = memfd_create("segment", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, 100 * PAGE), 0);
	assert_int_equal(scan_segment(&f->ctx, fd, 100 * PAGE, &runs), 0);
	assert_int_equal(runs.nr, 0);
	assert_int_equal(pwrite(fd, "x", 1, 5 * PAGE + 7), 1);
	assert_int_equal(pwrite(fd, "x", 1, 6 * PAGE + 7), 1);
	assert_int_equal(pwrite(fd, "x", 1, 50 * PAGE + 7), 1);
	assert_int_equal(scan_segment(&f->ctx, fd, 50 * PAGE + 1, &runs), 0);
	assert_int_equal(runs.nr, 2);
	assert_int_equal(runs.v[0].vaddr, 5 * PAGE);
	assert_int_equal(runs.v[0].nr_pages, 2);
	assert_int_equal(runs.v[1].vaddr, 50 * PAGE);
	assert_int_equal(runs.v[1].nr_pages, 1);
	assert_int_equal(runs.v[1].flags, PE_PRESENT);
	page_run_list_free(&runs);
	assert_int_equal(scan_segment(&f->ctx, fd, 50 * PAGE, &runs), 0);
	assert_int_equal(runs.nr_present, 2);
	page_run_list_free(&runs);
	close(fd);
	assert_true(scan_segment(&f->ctx, fd, PAGE, &runs) < 0);
}

static void test_no_such_task(void **state)
{
	struct fixture *f = *state;
	struct vma_list list = {};
	struct page_run_list runs;
	struct page_run_list guards;
	struct scan_args args = { .ctx = &f->ctx, .pid = 1, .procfd = f->dirfd, .vmas = &list, .guards = &guards };

	assert_int_equal(scan_task(&args, &runs, NULL), -ENOENT);
	assert_non_null(strstr(f->error.text, "pagemap of task 1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both_ways, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_many_runs, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_segment, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_no_such_task, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
