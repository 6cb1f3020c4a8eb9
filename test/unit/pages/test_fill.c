/* SPDX-License-Identifier: GPL-2.0 */
/* The filler: several tasks' memory from outside, by one and more threads, and what goes wrong. */
#include "pages/fixture.h"

#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "pages/allocate.h"
#include "restore/fill.h"

#define NR_PAGES 1000ul /* of each area; several chunks */
#define NR_AREAS 5

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

struct area {
	char *base;
	int uffd;
	struct page_run_at runs[3];
	struct fill_job job;
	atomic_int done;
	int result;
	struct plan_policy seen; /* of the thread that was done with it */
};

static void done(struct fill_job *job, int result)
{
	struct area *a = job->arg;

	a->result = result;
	atomic_fetch_add(&a->done, 1);
}

/* An area of our own that takes pages by userfaultfd: pages 0-9 and 20-999 are filled; false when we may not. */
static bool area_begin(struct area *a, struct page_source *src)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	memset(a, 0, sizeof(*a));
	a->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (a->uffd < 0)
		return false;
	a->base = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (uintptr_t)a->base;
	reg.range.len = NR_PAGES * PAGE;
	assert_int_equal(ioctl(a->uffd, UFFDIO_API, &api), 0);
	assert_int_equal(ioctl(a->uffd, UFFDIO_REGISTER, &reg), 0);
	a->runs[0] = (struct page_run_at){ reg.range.start, 10, 0, PE_PRESENT };
	a->runs[1] = (struct page_run_at){ reg.range.start + 20 * PAGE, 980, 20 * PAGE, PE_PRESENT };
	a->job =
		(struct fill_job){ .uffd = a->uffd, .runs = a->runs, .nr_runs = 2, .src = src, .done = done, .arg = a };
	return true;
}

static void area_end(struct area *a)
{
	close(a->uffd);
	munmap(a->base, NR_PAGES * PAGE);
}

static void make_image(struct fixture *f)
{
	int fd = openat(f->dirfd, "pages-1.img", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char page[PAGE];

	for (uint64_t n = 0; n < NR_PAGES; n++) {
		write_pattern(page, n);
		assert_int_equal(write(fd, page, PAGE), PAGE);
	}
	close(fd);
}

static int truncate_image(struct fixture *f, off_t size)
{
	int fd = openat(f->dirfd, "pages-1.img", O_RDWR), r = ftruncate(fd, size);

	close(fd);
	return r;
}

static void fill_areas(struct fixture *f, bool mapped, unsigned threads)
{
	struct area areas[NR_AREAS];
	struct page_source *src;
	struct fill_stats stats;
	struct fill *fill;

	assert_int_equal((mapped ? source_mapped_open : source_file_open)(&f->ctx, f->dirfd, 1, &src), 0);
	source_readahead(src, (int)(threads % 3) - 1); /* TRI_AUTO, TRI_NO, TRI_YES */
	src->ops->prefetch(src, src->size - 1, 100);
	assert_int_equal(fill_start(&f->ctx, threads, &fill), 0);
	for (unsigned i = 0; i < NR_AREAS; i++) {
		if (!area_begin(&areas[i], src))
			skip();
		fill_submit(fill, &areas[i].job);
	}
	assert_int_equal(fill_finish(&fill, &stats), 0);
	assert_null(fill);
	assert_int_equal(stats.nr_pages, NR_AREAS * 990);
	for (unsigned i = 0; i < NR_AREAS; i++) {
		assert_int_equal(areas[i].done, 1);
		assert_int_equal(areas[i].result, 0);
		close(areas[i].uffd);
		for (uint64_t n = 0; n < NR_PAGES; n++)
			if (n >= 10 && n < 20)
				assert_int_equal(areas[i].base[n * PAGE], 0);
			else
				assert_pattern(areas[i].base + n * PAGE, n);
		areas[i].uffd = -1;
		area_end(&areas[i]);
	}
	source_close(&src);
}

static void test_fill(void **state)
{
	make_image(*state);
	for (unsigned threads = 0; threads < 4; threads++) {
		fill_areas(*state, false, threads);
		fill_areas(*state, true, threads);
	}
}

/* One job that can't succeed; the others end, each once. */
static void test_errors(void **state)
{
	struct fixture *f = *state;
	struct page_source *src;
	struct area a, b;
	struct fill *fill;

	make_image(f);
	assert_int_equal(source_file_open(&f->ctx, f->dirfd, 1, &src), 0);
	for (unsigned way = 0; way < 4; way++) {
		if (!area_begin(&a, src))
			skip();
		area_begin(&b, src);
		fixture_forget_error(f);
		if (way == 0)
			a.runs[1].offset += PAGE; /* beyond the image */
		else if (way == 1)
			a.runs[1].offset = -PAGE;
		else if (way == 2)
			a.runs[1].vaddr += PAGE; /* beyond the area */
		else
			a.runs[1].vaddr = a.runs[0].vaddr; /* there already */
		assert_int_equal(fill_start(&f->ctx, 2, &fill), 0);
		fill_submit(fill, &a.job);
		fill_submit(fill, &b.job);
		assert_true(fill_finish(&fill, NULL) < 0);
		assert_true(a.result < 0);
		assert_int_equal(a.done, 1);
		assert_int_equal(b.result, 0);
		assert_int_equal(b.done, 1);
		assert_int_equal(f->error.taken, 2);
		area_end(&a);
		area_end(&b);
	}
	source_close(&src);
}

/* What can't be read of a mapped source, here since the file was cut, is an error that says so. */
static void test_bad_memory(void **state)
{
	struct fixture *f = *state;
	struct page_source *src;
	struct fill *fill;
	struct area a;

	make_image(f);
	assert_int_equal(source_mapped_open(&f->ctx, f->dirfd, 1, &src), 0);
	if (!area_begin(&a, src))
		skip();
	assert_int_equal(truncate_image(f, 500 * PAGE), 0);
	assert_int_equal(fill_start(&f->ctx, 2, &fill), 0);
	fill_submit(fill, &a.job);
	assert_int_equal(fill_finish(&fill, NULL), -EIO);
	assert_int_equal(a.result, -EIO);
	assert_non_null(strstr(f->error.text, "is the memory bad?"));
	area_end(&a);
	source_close(&src);
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	struct area areas[NR_AREAS], empty = {};
	struct page_source *src;
	struct fill *fill;

	make_image(f);
	assert_int_equal(source_file_open(&f->ctx, f->dirfd, 1, &src), 0);
	assert_int_equal(fill_start(&f->ctx, 1, &fill), 0);
	empty.job = (struct fill_job){ .uffd = -1, .src = src, .done = done, .arg = &empty };
	fill_submit(fill, &empty.job);
	assert_int_equal(empty.done, 1);
	for (unsigned i = 0; i < NR_AREAS; i++) {
		if (!area_begin(&areas[i], src))
			skip();
		fill_submit(fill, &areas[i].job);
	}
	fill_cancel(&fill);
	assert_null(fill);
	for (unsigned i = 0; i < NR_AREAS; i++) {
		assert_int_equal(areas[i].done, 1);
		assert_true(areas[i].result == 0 || areas[i].result == -ECANCELED);
		area_end(&areas[i]);
	}
	fill_cancel(&fill);
	source_close(&src);
}

/* Huge pages are mapped, others read; a file of holes never is mapped. */
static void test_kind_of_source(void **state)
{
	struct fixture *f = *state;
	struct page_allocator allocator;
	struct page_source *src;
	const uint64_t size = 64ul << 20;
	struct stat st;
	int fd = openat(f->dirfd, "pages-1.img", O_RDWR | O_CREAT, 0600);
	char *base;

	assert_int_equal(ftruncate(fd, 1ll << 40), 0);
	assert_int_equal(source_open(&f->ctx, f->dirfd, 1, &src), 0);
	assert_string_equal(src->ops->name, "file");
	source_close(&src);
	assert_int_equal(ftruncate(fd, size), 0);
	base = mmap((void *)0x300000000000, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	assert_true(base != MAP_FAILED);
	setenv("CRIU_PAGES_HUGE", "0", 1);
	page_allocator_init(&allocator, fd, base, true);
	assert_int_equal(pages_allocate(&allocator, 0, size / 2), 0);
	assert_int_equal(ftruncate(fd, size / 2), 0);
	assert_int_equal(source_open(&f->ctx, f->dirfd, 1, &src), 0);
	assert_string_equal(src->ops->name, "file");
	source_close(&src);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(ftruncate(fd, size), 0);
	setenv("CRIU_PAGES_HUGE", "1", 1);
	page_allocator_init(&allocator, fd, base, true);
	assert_int_equal(pages_allocate(&allocator, 0, size), 0);
	unsetenv("CRIU_PAGES_HUGE");
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_blocks * 512, size);
	/* Whether there are huge pages is the kernel's to say; what is there must be right in both cases. */
	base[size - 1] = 'z';
	assert_int_equal(source_open(&f->ctx, f->dirfd, 1, &src), 0);
	if (src->base) {
		assert_int_equal((uintptr_t)src->base % (2ul << 20), 0);
		assert_int_equal(src->base[size - 1], 'z');
	}
	source_readahead(src, TRI_AUTO);
	source_close(&src);
	munmap(base, size);
	close(fd);
}

static void test_choice(void **state)
{
	struct fixture *f = *state;
	struct page_source *src;

	make_image(f);
	assert_int_equal(source_open(&f->ctx, f->dirfd, 1, &src), 0);
	assert_int_equal(fill_choose(PAGE, src), FILL_PREAD);
	assert_int_equal(fill_choose(1ull << 30, src), FILL_OUTSIDE);
	source_close(&src);
	assert_int_equal(source_open(&f->ctx, f->dirfd, 2, &src), -ENOENT);
	assert_int_equal(mkfifoat(f->dirfd, "pages-2.img", 0600), 0);
	assert_int_equal(source_open(&f->ctx, f->dirfd, 2, &src), -EINVAL);
}

static void done_with_policy(struct fill_job *job, int result)
{
	struct plan_policy *seen = (struct plan_policy *)&((struct area *)job->arg)->seen;
	int mode = -1;

	assert_int_equal(syscall(SYS_get_mempolicy, &mode, seen->nodes, PLAN_NODE_WORDS * 64ul, 0, 0), 0);
	seen->mode = mode;
	done(job, result);
}

/* userfaultfd allocates for who fills, not for whose memory it is. */
static void test_policy(void **state)
{
	static const struct plan_policy bind = { .nodes = { 1 }, .mode = MPOL_BIND };
	static const unsigned order[] = { MPOL_DEFAULT, MPOL_BIND, MPOL_BIND, MPOL_DEFAULT };
	struct fixture *f = *state;
	struct area areas[4];
	struct page_source *src;
	struct fill *fill;

	make_image(f);
	assert_int_equal(source_file_open(&f->ctx, f->dirfd, 1, &src), 0);
	assert_int_equal(fill_start(&f->ctx, 1, &fill), 0);
	for (unsigned i = 0; i < 4; i++) {
		if (!area_begin(&areas[i], src))
			skip();
		areas[i].job.done = done_with_policy;
		areas[i].job.policy = order[i] == MPOL_BIND ? &bind : NULL;
		fill_submit(fill, &areas[i].job);
	}
	assert_int_equal(fill_finish(&fill, NULL), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(areas[i].result, 0);
		assert_int_equal(areas[i].seen.mode, order[i]);
		assert_int_equal(areas[i].seen.nodes[0], order[i] == MPOL_BIND);
		area_end(&areas[i]);
	}
	source_close(&src);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fill, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_policy, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_errors, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_bad_memory, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_cancel, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_kind_of_source, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_choice, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
