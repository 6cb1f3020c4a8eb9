/* SPDX-License-Identifier: GPL-2.0 */
/* pages_dump(): every sink and capture method, what is stored where, and what is left after a failure. */
#include "pages/fixture.h"

#include <sys/file.h>
#include <sys/stat.h>

#include "base/io.h"
#include "pages/pump.h"
#include "pages/source.h"

#define NR_PAGES 5000ul /* more than several threads' chunks */

static char *area;

static void fill_area(void *arg)
{
	for (uint64_t n = 0; n < NR_PAGES; n++)
		write_pattern(area + n * PAGE, n);
	if (arg)
		mprotect(area + 10 * PAGE, 700 * PAGE, PROT_NONE);
}

static int group_begin(void **state)
{
	area = mmap(NULL, (NR_PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Nothing is behind it. */
	return area == MAP_FAILED || munmap(area + NR_PAGES * PAGE, PAGE) ? -1 : 0;
}

/* Every second page: as many runs as pages, so the batches of one call overflow. */
static void every_second(struct page_run_list *runs, uint64_t base, bool forced)
{
	for (uint64_t n = 0; n < NR_PAGES; n += 2)
		assert_int_equal(page_run_add(runs, base + n * PAGE, 1,
					      PE_PRESENT | (forced && n >= 10 && n < 710 ? RUN_FORCE : 0), true),
				 0);
}

static void check_file(struct fixture *f, const struct page_run_list *runs, uint64_t base)
{
	struct page_source *src;
	char page[PAGE];
	uint64_t at = 0;

	assert_int_equal(source_file_open(&f->ctx, f->dirfd, 1, &src), 0);
	assert_int_equal(src->size, runs->nr_present * PAGE);
	for (size_t i = 0; i < runs->nr; i++)
		for (uint64_t n = 0; n < runs->v[i].nr_pages; n++, at += PAGE) {
			assert_int_equal(src->ops->read(src, at, page, PAGE), 0);
			assert_pattern(page, (runs->v[i].vaddr - base) / PAGE + n);
		}
	assert_int_equal(src->ops->read(src, at, page, 1), -EIO);
	source_close(&src);
	assert_null(src);
}

struct store_arg {
	pid_t pid;
	int fd;
	unsigned called, ended;
};

static int begin(void *arg, int fd)
{
	struct store_arg *s = arg;

	s->fd = fd;
	return 0;
}

/* What a parasite does, done by us. */
static int store(void *arg, const struct page_run_at *runs, size_t nr, uint64_t *zero)
{
	const struct page_run_at *last = &runs[nr - 1];
	size_t size = last->offset + last->nr_pages * PAGE;
	struct store_arg *s = arg;
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0), path[32];
	int mem;

	if (map == MAP_FAILED)
		return -errno;
	s->called++;
	snprintf(path, sizeof(path), "/proc/%d/mem", s->pid);
	mem = open(path, O_RDONLY);
	for (size_t i = 0; i < nr; i++) {
		assert_false(runs[i].flags & RUN_FORCE);
		assert_int_equal(pread_full(mem, map + runs[i].offset, runs[i].nr_pages * PAGE, runs[i].vaddr), 0);
	}
	close(mem);
	munmap(map, size);
	return 0;
}

static int end(void *arg)
{
	struct store_arg *s = arg;

	s->ended++;
	return 0;
}

static const struct capture_inject_ops inject_ops = { begin, store, end };

static void dump_and_check(struct fixture *f, enum page_mode mode, enum capture_method capture, bool forced,
			   unsigned threads)
{
	struct page_run_list runs = {};
	struct store_arg store_arg = {};
	struct pages_dump_result res;
	struct pages_dump_args args = { .ctx = &f->ctx,
					.images_dirfd = f->dirfd,
					.pages_id = 1,
					.runs = &runs,
					.mode = mode,
					.capture = capture,
					.nr_threads = threads,
					.inject = &inject_ops,
					.inject_arg = &store_arg };
	int procfd;

	args.pid = store_arg.pid = child_begin(fill_area, forced ? "" : NULL, &procfd);
	args.procfd = procfd;
	every_second(&runs, (uintptr_t)area, forced);
	assert_int_equal(pages_dump(&args, &res), 0);
	assert_int_equal(res.nr_pages, runs.nr_present);
	assert_string_equal(res.sink, mode == PAGES_PMEM ? "mapped" : "file");
	assert_int_equal(store_arg.called, capture == CAPTURE_INJECT);
	assert_int_equal(store_arg.ended, capture == CAPTURE_INJECT);
	check_file(f, &runs, (uintptr_t)area);
	child_end(args.pid, procfd);
	page_run_list_free(&runs);
}

static void test_sinks_and_captures(void **state)
{
	static const enum capture_method methods[] = { CAPTURE_AUTO, CAPTURE_VMREAD, CAPTURE_INJECT };
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++)
		for (unsigned forced = 0; forced < 2; forced++)
			for (unsigned threads = 1; threads < 4; threads += 2) {
				dump_and_check(f, PAGES_FILE, methods[i], forced, threads);
				dump_and_check(f, PAGES_PMEM, methods[i], forced, threads);
			}
}

static void test_own_memory(void **state)
{
	struct fixture *f = *state;
	struct page_run_list runs = {};
	struct pages_dump_result res;
	struct pages_dump_args args = { .ctx = &f->ctx,
					.images_dirfd = f->dirfd,
					.pages_id = 1,
					.runs = &runs,
					.mode = PAGES_PMEM,
					.capture = CAPTURE_INJECT,
					.memory = area,
					.procfd = -1 };

	fill_area(NULL);
	every_second(&runs, 0, false);
	assert_int_equal(pages_dump(&args, &res), 0);
	assert_string_equal(res.capture, "vmread");
	check_file(f, &runs, 0);
	page_run_list_free(&runs);
}

/* Somebody still reads the old image's pages: they stay as they are. */
static void test_held(void **state)
{
	struct fixture *f = *state;
	struct page_run_list runs = {};
	struct pages_dump_result res;
	struct pages_dump_args args = { .ctx = &f->ctx,
					.images_dirfd = f->dirfd,
					.pages_id = 1,
					.runs = &runs,
					.capture = CAPTURE_AUTO,
					.memory = area,
					.procfd = -1 };
	char buf[PAGE] = "old";
	int fd;

	fill_area(NULL);
	assert_int_equal(page_run_add(&runs, 3 * PAGE, 7, PE_PRESENT, true), 0);
	for (unsigned mode = 0; mode < 2; mode++) {
		args.mode = mode ? PAGES_PMEM : PAGES_FILE;
		assert_int_equal(write_file_at(f->dirfd, "pages-1.img", buf, sizeof(buf)), 0);
		fd = openat(f->dirfd, "pages-1.img", O_RDONLY | O_CLOEXEC);
		assert_int_equal(flock(fd, LOCK_SH), 0);
		assert_int_equal(pages_dump(&args, &res), 0);
		check_file(f, &runs, 0);
		assert_int_equal(pread_full(fd, buf, sizeof(buf), 0), 0);
		assert_string_equal(buf, "old");
		close(fd);
	}
	page_run_list_free(&runs);
}

/* An old image's file is used again: the same inode, longer or shorter. */
static void test_reuse(void **state)
{
	struct fixture *f = *state;
	struct page_run_list runs = {};
	struct pages_dump_result res;
	struct pages_dump_args args = { .ctx = &f->ctx,
					.images_dirfd = f->dirfd,
					.pages_id = 1,
					.runs = &runs,
					.capture = CAPTURE_AUTO,
					.memory = area,
					.procfd = -1 };
	static const uint64_t lengths[] = { 100, 3000, 7, 0, 200 };
	struct stat before, after;

	fill_area(NULL);
	for (unsigned mode = 0; mode < 2; mode++) {
		args.mode = mode ? PAGES_PMEM : PAGES_FILE;
		for (size_t i = 0; i < 5; i++) {
			bool was = !fstatat(f->dirfd, "pages-1.img", &before, 0);

			assert_int_equal(page_run_add(&runs, 3 * PAGE, lengths[i], PE_PRESENT, true), 0);
			assert_int_equal(pages_dump(&args, &res), 0);
			assert_int_equal(fstatat(f->dirfd, "pages-1.img", &after, 0), 0);
			assert_int_equal(after.st_size, lengths[i] * PAGE);
			if (was)
				assert_int_equal(before.st_ino, after.st_ino);
			check_file(f, &runs, 0);
			page_run_list_free(&runs);
		}
	}
}

static int refuse(void *arg)
{
	return -EINTR;
}

/* Whatever goes wrong, nothing of the pages image is left. */
static void test_failures(void **state)
{
	struct fixture *f = *state;
	struct page_run_list runs = {};
	struct pages_dump_result res;
	struct pages_dump_args args = { .ctx = &f->ctx, .images_dirfd = f->dirfd, .pages_id = 2, .runs = &runs };

	args.pid = child_begin(fill_area, NULL, &args.procfd);
	assert_int_equal(page_run_add(&runs, (uintptr_t)area, NR_PAGES, PE_PRESENT, true), 0);
	for (unsigned mode = 0; mode < 2; mode++) {
		args.mode = mode ? PAGES_PMEM : PAGES_FILE;
		args.cancelled = refuse;
		assert_int_equal(pages_dump(&args, &res), -EINTR);
		assert_int_equal(faccessat(f->dirfd, "pages-2.img", F_OK, 0), -1);
		args.cancelled = NULL;
		args.capture = CAPTURE_INJECT;
		assert_int_equal(pages_dump(&args, &res), -EOPNOTSUPP);
		args.capture = CAPTURE_AUTO;
		fixture_forget_error(f);
		runs.v[0].vaddr += PAGE; /* the last page is not the task's */
		assert_int_equal(pages_dump(&args, &res), -EFAULT);
		assert_non_null(strstr(f->error.text, "Can't read"));
		assert_int_equal(faccessat(f->dirfd, "pages-2.img", F_OK, 0), -1);
		runs.v[0].vaddr -= PAGE;
	}
	assert_int_equal(mkfifoat(f->dirfd, "pages-2.img", 0600), 0);
	assert_int_equal(pages_dump(&args, &res), -EINVAL);
	child_end(args.pid, args.procfd);
	page_run_list_free(&runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sinks_and_captures, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_own_memory, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_reuse, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_held, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_failures, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, group_begin, NULL);
}
