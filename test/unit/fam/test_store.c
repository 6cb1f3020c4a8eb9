/* SPDX-License-Identifier: GPL-2.0 */
/* fam_store(): pages from a stopped task to their places, by its own code or from outside; zero ones; what fails. */
#include "pages/fixture.h"

#include "base/io.h"
#include "fam/store.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define NR_PAGES    4096ul /* several turns of each thread */
#define HIDDEN_AT   600ul  /* from there on the task may not read */
#define NR_HIDDEN   5ul
#define ID	    7
#define is_empty(n) ((n) % 10 == 3)

static char *area;

static void fill_area(void *arg)
{
	for (uint64_t n = 0; n < NR_PAGES; n++)
		if (!is_empty(n))
			write_pattern(area + n * PAGE, n);
	for (uint64_t n = 3; n < NR_PAGES; n += 10)
		memset(area + n * PAGE, 0, PAGE);
	mprotect(area + HIDDEN_AT * PAGE, NR_HIDDEN * PAGE, PROT_NONE);
}

static int group_begin(void **state)
{
	area = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return area == MAP_FAILED ? -1 : 0;
}

/* What a parasite does, done by us. From the call numbered FAIL_AT on it fails. */
struct by_task {
	pid_t pid;
	int fd;
	unsigned begun, ended, stored, fail_at;
	uint64_t nr_pages;
};

static int begin(void *arg, int fd)
{
	struct by_task *t = arg;

	assert_int_equal(t->begun++, t->ended);
	t->fd = fd;
	return 0;
}

static int store(void *arg, const struct page_run_at *runs, size_t nr, uint64_t *zero)
{
	const char nothing[PAGE] = { 0 };
	struct by_task *t = arg;
	uint64_t bit = 0, end = 0;
	char path[32], page[PAGE];
	int mem;

	assert_int_equal(t->begun, t->ended + 1);
	if (++t->stored >= t->fail_at && t->fail_at)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/mem", t->pid);
	mem = open(path, O_RDONLY);
	for (size_t i = 0; i < nr; i++) {
		assert_true(runs[i].offset >= end);
		end = runs[i].offset + runs[i].nr_pages * PAGE;
		for (uint64_t n = 0; n < runs[i].nr_pages; n++, bit++) {
			assert_int_equal(pread_full(mem, page, PAGE, runs[i].vaddr + n * PAGE), 0);
			assert_int_equal(pwrite_full(t->fd, page, PAGE, runs[i].offset + n * PAGE), 0);
			zero[bit / 64] &= ~(1ul << bit % 64);
			zero[bit / 64] |= (uint64_t)!memcmp(page, nothing, PAGE) << bit % 64;
		}
	}
	t->nr_pages += bit;
	close(mem);
	return 0;
}

static int end(void *arg)
{
	struct by_task *t = arg;

	assert_int_equal(++t->ended, t->begun);
	return 0;
}

static const struct capture_inject_ops ops = { begin, store, end };

/* A stopped task, where its pages go, and how they get there. */
struct job {
	struct page_run_list runs;
	struct by_task task;
	struct fam_layout layout;
	struct fam_source source;
	struct fam_pool pool;
	struct fam_checkpoint cp;
	struct fam_store_args args;
	struct fam_store_stats stats;
	int procfd;
	bool huge;
};

static bool make_huge(char *base, size_t size)
{
	for (size_t at = 0; at < size; at += FAM_ALIGN)
		if (madvise(base + at, FAM_ALIGN, MADV_COLLAPSE))
			return false;
	return true;
}

/* A file of tmpfs, full of what an earlier owner left, with 2 MiB pages if it can be had. */
static void make_checkpoint(struct job *j)
{
	char *room = mmap(NULL, j->layout.size + FAM_ALIGN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(room != MAP_FAILED);
	room = (char *)(((uintptr_t)room + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1));
	j->pool = (struct fam_pool){ .path = "a pool" };
	j->cp = (struct fam_checkpoint){ .pool = &j->pool, .size = j->layout.size, .is_tmpfs = true };
	j->cp.fd = memfd_create("checkpoint", MFD_CLOEXEC);
	assert_int_equal(ftruncate(j->cp.fd, j->cp.size), 0);
	j->cp.base = mmap(room, j->cp.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, j->cp.fd, 0);
	assert_true(j->cp.base != MAP_FAILED);
	memset(j->cp.base, 0x5a, j->cp.size);
	j->huge = make_huge(j->cp.base, j->cp.size);
}

static void job_begin(struct fixture *f, struct job *j, enum capture_method capture)
{
	*j = (struct job){ .layout.holes = true };
	j->task.pid = child_begin(fill_area, NULL, &j->procfd);
	for (uint64_t n = 0; n < NR_PAGES; n++)
		assert_int_equal(page_run_add(&j->runs, (uintptr_t)area + n * PAGE, 1,
					      PE_PRESENT | PE_LAZY |
						      (n >= HIDDEN_AT && n < HIDDEN_AT + NR_HIDDEN ? RUN_FORCE : 0),
					      true),
				 0);
	assert_int_equal(fam_layout_add(&j->layout, ID, &j->runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&j->layout), 0);
	j->source = (struct fam_source){
		.pages_id = ID,
		.runs = &j->runs,
		.pid = j->task.pid,
		.procfd = j->procfd,
		.inject = &ops,
		.inject_arg = &j->task,
		.may_inject = true,
	};
	assert_int_equal(fam_source_place(&j->source, &j->layout), 0);
	make_checkpoint(j);
	j->args = (struct fam_store_args){
		.ctx = &f->ctx,
		.cp = &j->cp,
		.layout = &j->layout,
		.sources = &j->source,
		.nr = 1,
		.nr_threads = 2,
		.capture = capture,
	};
}

static void job_end(struct job *j)
{
	child_end(j->task.pid, j->procfd);
	munmap(j->cp.base, j->cp.size);
	close(j->cp.fd);
	free(j->source.placed);
	page_run_list_free(&j->source.stored);
	page_run_list_free(&j->runs);
	fam_layout_free(&j->layout);
}

/* Every page is where the layout has it, and those that are zero are no part of what was stored. */
static void assert_stored(struct job *j)
{
	uint64_t offset, len, n = 0, nr_zero = 0;

	for (n = 0; n < NR_PAGES; n++)
		nr_zero += is_empty(n);
	assert_int_equal(j->stats.nr_zero, nr_zero);
	assert_int_equal(j->stats.nr_pages, NR_PAGES - nr_zero);
	n = 0;
	for (size_t i = 0; i < j->source.stored.nr; i++) {
		const struct page_run *run = &j->source.stored.v[i];

		for (uint64_t k = 0; run->flags & PE_PRESENT && k < run->nr_pages; k++, n++) {
			uint64_t vaddr = run->vaddr + k * PAGE;

			n += is_empty(n);
			assert_int_equal(vaddr, (uintptr_t)area + n * PAGE);
			assert_int_equal(fam_layout_find(&j->layout, ID, vaddr, PAGE, &offset, &len), 0);
			assert_pattern(j->cp.base + offset, n);
		}
	}
	assert_int_equal(n, NR_PAGES);
	assert_int_equal(j->task.begun, j->task.ended);
	assert_int_equal(j->stats.nr_by_task, j->task.nr_pages);
}

static void test_ways(void **state)
{
	static const enum capture_method methods[] = { CAPTURE_AUTO, CAPTURE_VMREAD, CAPTURE_INJECT };

	for (size_t i = 0; i < 3; i++)
		for (unsigned verify = 0; verify < 2; verify++) {
			struct job j;

			job_begin(*state, &j, methods[i]);
			j.args.verify = verify;
			assert_int_equal(fam_store(&j.args, &j.stats), 0);
			assert_stored(&j);
			if (methods[i] == CAPTURE_INJECT)
				assert_int_equal(j.task.nr_pages, NR_PAGES - NR_HIDDEN);
			else if (methods[i] == CAPTURE_VMREAD || verify || !j.huge)
				assert_int_equal(j.task.begun, 0);
			else
				assert_int_not_equal(j.task.nr_pages, 0);
			job_end(&j);
		}
}

/* Whatever the first call's result is, or a later one's. */
static void test_task_that_cannot(void **state)
{
	for (unsigned fail_at = 1; fail_at < 3; fail_at++) {
		struct job j;

		job_begin(*state, &j, CAPTURE_AUTO);
		j.task.fail_at = fail_at;
		assert_int_equal(fam_store(&j.args, &j.stats), 0);
		assert_stored(&j);
		/* Then it isn't asked once more. */
		assert_true(j.task.stored <= fail_at);
		job_end(&j);
	}
}

static void test_task_that_may_not(void **state)
{
	struct job j;

	job_begin(*state, &j, CAPTURE_AUTO);
	j.source.may_inject = false;
	assert_int_equal(fam_store(&j.args, &j.stats), 0);
	assert_stored(&j);
	assert_int_equal(j.task.begun, 0);
	job_end(&j);
}

static void test_task_that_must(void **state)
{
	struct fixture *f = *state;
	struct job j;

	job_begin(f, &j, CAPTURE_INJECT);
	j.task.fail_at = 1;
	assert_int_equal(fam_store(&j.args, &j.stats), -ENOMEM);
	assert_non_null(strstr(f->error.text, "itself"));
	assert_int_equal(j.task.begun, j.task.ended);
	job_end(&j);

	fixture_forget_error(f);
	job_begin(f, &j, CAPTURE_INJECT);
	j.source.inject = NULL;
	assert_int_equal(fam_store(&j.args, &j.stats), -EOPNOTSUPP);
	assert_non_null(strstr(f->error.text, "parasite"));
	job_end(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ways, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_task_that_cannot, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_task_that_may_not, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_task_that_must, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, group_begin, NULL);
}
