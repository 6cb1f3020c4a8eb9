/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of a child and of a segment go to where the layout has their places; what is zero is left out where that
 * changes nothing; checksums fit; and what was stored is read back as a restore does it.
 */
#include "pages/fixture.h"

#include "fam/crc32c.h"
#include "fam/set.h"
#include "fam/store.h"

#define NR_PAGES 700ul /* of the area: several batches */

/* A checkpoint without a pool: a file in memory. */
struct content {
	struct fam_pool pool;
	struct fam_checkpoint cp;
	struct fam_layout layout;
};

static void content_begin(struct fixture *f, struct content *c, struct fam_source *sources, size_t nr)
{
	*c = (struct content){ .pool = { .ctx = &f->ctx, .path = "pool" }, .layout = { .holes = true } };
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(fam_layout_add(&c->layout, sources[i].pages_id, sources[i].runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&c->layout), 0);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(fam_source_place(&sources[i], &c->layout), 0);
	c->cp = (struct fam_checkpoint){ .pool = &c->pool, .id = 1, .size = c->layout.size, .is_tmpfs = true };
	c->cp.fd = memfd_create("content", MFD_CLOEXEC);
	assert_true(c->cp.fd >= 0);
	assert_int_equal(ftruncate(c->cp.fd, c->cp.size), 0);
	c->cp.base = mmap(NULL, c->cp.size, PROT_READ | PROT_WRITE, MAP_SHARED, c->cp.fd, 0);
	assert_true(c->cp.base != MAP_FAILED);
}

static void content_end(struct content *c)
{
	munmap(c->cp.base, c->cp.size);
	close(c->cp.fd);
	fam_layout_free(&c->layout);
}

/* ---- what is stored ------------------------------------------------------------------------------------------ */

struct memory {
	char *area; /* the child's: pages 0, 10 and 500 to 699 are zero */
	char *segment;
	struct page_run_list runs[2];
	pid_t pid;
	int procfd;
};

static void prepare(void *arg)
{
	struct memory *m = arg;

	for (uint64_t n = 0; n < NR_PAGES; n++)
		if (n && n != 10 && n < 500)
			write_pattern(m->area + n * PAGE, n);
		else
			memset(m->area + n * PAGE, 0, PAGE);
	/* A task's own protection doesn't keep us from reading. */
	mprotect(m->area + 20 * PAGE, 4 * PAGE, PROT_NONE);
}

static void memory_begin(struct memory *m, uint32_t flags)
{
	memset(m, 0, sizeof(*m));
	m->area = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m->segment = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(m->area != MAP_FAILED && m->segment != MAP_FAILED);
	write_pattern(m->segment + PAGE, 1000);
	write_pattern(m->segment + 3 * PAGE, 1001);
	m->pid = child_begin(prepare, m, &m->procfd);
	assert_int_equal(page_run_add(&m->runs[0], (uintptr_t)m->area, 20, PE_PRESENT | flags, true), 0);
	assert_int_equal(
		page_run_add(&m->runs[0], (uintptr_t)m->area + 20 * PAGE, 4, PE_PRESENT | RUN_FORCE | flags, true), 0);
	/* Page 24 isn't stored. */
	assert_int_equal(
		page_run_add(&m->runs[0], (uintptr_t)m->area + 25 * PAGE, NR_PAGES - 25, PE_PRESENT | flags, true), 0);
	assert_int_equal(page_run_add(&m->runs[1], 0, 4, PE_PRESENT, true), 0);
}

static void memory_end(struct memory *m)
{
	child_end(m->pid, m->procfd);
	munmap(m->area, NR_PAGES * PAGE);
	munmap(m->segment, 4 * PAGE);
	page_run_list_free(&m->runs[0]);
	page_run_list_free(&m->runs[1]);
}

static struct fam_source *sources_of(const struct memory *m)
{
	struct fam_source *sources = calloc(2, sizeof(*sources));

	assert_non_null(sources);
	sources[0] = (struct fam_source){ .pages_id = 1, .runs = &m->runs[0], .pid = m->pid, .procfd = m->procfd };
	sources[1] = (struct fam_source){ .pages_id = 2, .runs = &m->runs[1], .memory = m->segment };
	return sources;
}

/* ---- what came of it ----------------------------------------------------------------------------------------- */

static const char *page_at(const struct content *c, uint32_t id, uint64_t vaddr)
{
	uint64_t offset, len;

	assert_int_equal(fam_layout_find(&c->layout, id, vaddr, PAGE, &offset, &len), 0);
	return c->cp.base + offset;
}

static void assert_zero(const char *page)
{
	for (size_t i = 0; i < PAGE; i++)
		assert_int_equal(page[i], 0);
}

static void assert_stored(const struct content *c, const struct memory *m)
{
	for (uint64_t n = 0; n < NR_PAGES; n++) {
		const char *page = page_at(c, 1, (uintptr_t)m->area + n * PAGE);

		if (n && n != 10 && n != 24 && n < 500)
			assert_pattern(page, n);
		else
			assert_zero(page);
	}
	assert_zero(page_at(c, 2, 0));
	assert_pattern(page_at(c, 2, PAGE), 1000);
	assert_zero(page_at(c, 2, 2 * PAGE));
	assert_pattern(page_at(c, 2, 3 * PAGE), 1001);
}

static void assert_runs(const struct page_run_list *list, uint64_t base, const uint64_t (*wanted)[2], size_t nr)
{
	assert_int_equal(list->nr, nr);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal((list->v[i].vaddr - base) / PAGE, wanted[i][0]);
		assert_int_equal(list->v[i].nr_pages, wanted[i][1]);
	}
}

/* As a restore sees it: the pagemaps' runs get their places, and their sums are compared. */
static int read_back(struct fixture *f, const struct content *c, const struct fam_source *sources, bool lends)
{
	struct fam_set set = { .ctx = &f->ctx, .cp = (struct fam_checkpoint *)&c->cp, .lends = lends };
	int r = 0;

	set.image.layout = c->layout;
	set.room = c->cp.size;
	for (size_t i = 0; i < 2; i++) {
		const struct page_run_list *stored = &sources[i].stored;
		struct page_run_at *runs = calloc(stored->nr + 1, sizeof(*runs));
		size_t nr = stored->nr;

		for (size_t k = 0; k < nr; k++)
			runs[k] = (struct page_run_at){ stored->v[k].vaddr, stored->v[k].nr_pages, 0, PE_PRESENT };
		assert_int_equal(fam_set_place(&set, sources[i].pages_id, &runs, &nr), 0);
		for (size_t k = 0; k < nr; k++)
			assert_ptr_equal(c->cp.base + runs[k].offset, page_at(c, sources[i].pages_id, runs[k].vaddr));
		free(runs);
	}
	fixture_forget_error(f);
	r = fam_set_verify(&set, 3);
	free(set.stored);
	return r;
}

static void store(struct fixture *f, const char *way, unsigned nr_threads, bool may_drop)
{
	static const uint64_t dropped[][2] = { { 1, 9 }, { 11, 9 }, { 20, 4 }, { 25, 475 } };
	static const uint64_t all[][2] = { { 0, 20 }, { 20, 4 }, { 25, 675 } };
	static const uint64_t of_segment[][2] = { { 1, 1 }, { 3, 1 } };
	struct fam_store_stats stats;
	struct memory m;
	struct content c;
	struct fam_source *sources;
	struct fam_range *used;
	size_t nr;

	memory_begin(&m, may_drop ? PE_LAZY : 0);
	sources = sources_of(&m);
	content_begin(f, &c, sources, 2);
	assert_int_equal(fam_sources_used(sources, 2, &used, &nr), 0);
	for (size_t i = 1; i < nr; i++)
		assert_true(used[i - 1].offset + used[i - 1].len < used[i].offset);
	free(used);
	setenv("CRIU_FAM_STORE", way, true);
	assert_int_equal(fam_store(&(struct fam_store_args){ .ctx = &f->ctx,
							     .cp = &c.cp,
							     .layout = &c.layout,
							     .sources = sources,
							     .nr = 2,
							     .nr_threads = nr_threads,
							     .verify = true },
				   &stats),
			 0);
	assert_stored(&c, &m);
	if (may_drop)
		assert_runs(&sources[0].stored, (uintptr_t)m.area, dropped, 4);
	else
		assert_runs(&sources[0].stored, (uintptr_t)m.area, all, 3);
	assert_runs(&sources[1].stored, 0, of_segment, 2);
	assert_int_equal(stats.nr_zero, may_drop ? 204 : 2);
	assert_int_equal(stats.nr_pages + stats.nr_zero, NR_PAGES - 1 + 4);
	for (int lends = 0; lends <= 1; lends++) {
		char *page = (char *)page_at(&c, 1, (uintptr_t)m.area + 300 * PAGE);

		assert_int_equal(read_back(f, &c, sources, lends), 0);
		page[77] ^= 1;
		assert_int_equal(read_back(f, &c, sources, lends), -EBADMSG);
		page[77] ^= 1;
		c.layout.v[0].has_crc = false;
		assert_int_equal(read_back(f, &c, sources, lends), -ENODATA);
		c.layout.v[0].has_crc = true;
	}
	fam_sources_free(sources, 2);
	content_end(&c);
	memory_end(&m);
}

static void test_mapped(void **state)
{
	store(*state, "direct", 1, true);
	store(*state, "direct", 3, true);
}

static void test_written(void **state)
{
	store(*state, "written", 1, true);
	store(*state, "written", 3, true);
}

/* Over a file's content zeros mean something. */
static void test_zero_pages_that_stay(void **state)
{
	store(*state, "direct", 1, false);
	store(*state, "written", 2, false);
}

static int say_no(void *arg)
{
	return -EINTR;
}

static void test_failures(void **state)
{
	struct fixture *f = *state;
	struct fam_store_stats stats;
	struct memory m;
	struct content c;
	struct fam_source *sources;
	struct fam_store_args args = { .ctx = &f->ctx, .nr = 2, .nr_threads = 2 };

	memory_begin(&m, PE_LAZY);
	args.sources = sources = sources_of(&m);
	content_begin(f, &c, sources, 2);
	args.cp = &c.cp;
	args.layout = &c.layout;
	args.cancelled = say_no;
	assert_int_equal(fam_store(&args, &stats), -EINTR);
	args.cancelled = NULL;
	/* A page that isn't there any more. */
	munmap(m.segment + 2 * PAGE, PAGE);
	fixture_forget_error(f);
	assert_int_equal(fam_store(&args, &stats), -EFAULT);
	assert_non_null(strstr(f->error.text, "Can't read"));
	/* Memory of the pool that isn't there: the file was cut. */
	fam_sources_free(sources, 2);
	args.sources = sources = sources_of(&m);
	args.nr = 1;
	assert_int_equal(fam_source_place(&sources[0], &c.layout), 0);
	assert_int_equal(ftruncate(c.cp.fd, 0), 0);
	setenv("CRIU_FAM_STORE", "direct", true);
	fixture_forget_error(f);
	assert_int_not_equal(fam_store(&args, &stats), 0);
	assert_true(f->error.taken);
	fam_sources_free(sources, 2);
	content_end(&c);
	memory_end(&m);
}

/* Pagemaps that don't fit. */
static void test_places(void **state)
{
	struct fixture *f = *state;
	struct fam_extent extents[] = { { 1, 0x10000, 2 * PAGE, 0, 0, false },
					{ 1, 0x12000, 2 * PAGE, 8 * PAGE, 0, false } };
	struct fam_set set = { .ctx = &f->ctx, .room = 3 * PAGE };
	struct page_run_at *runs = calloc(1, sizeof(*runs));
	size_t nr = 1;

	set.image.layout = (struct fam_layout){ .v = extents, .nr = 2, .size = FAM_ALIGN };
	runs[0] = (struct page_run_at){ 0x11000, 2, 0, PE_PRESENT };
	assert_int_equal(fam_set_place(&set, 1, &runs, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(runs[0].offset, PAGE);
	assert_int_equal(runs[0].nr_pages, 1);
	assert_int_equal(runs[1].offset, 8 * PAGE);
	assert_int_equal(runs[1].vaddr, 0x12000);
	/* More than the checkpoint has stored. */
	assert_int_equal(fam_set_place(&set, 1, &runs, &nr), -EBADMSG);
	assert_int_equal(nr, 2);
	set.claimed = 0;
	runs[1].vaddr = 0x14000;
	fixture_forget_error(f);
	assert_int_equal(fam_set_place(&set, 1, &runs, &nr), -EBADMSG);
	assert_int_equal(fam_set_place(&set, 2, &runs, &nr), -EBADMSG);
	free(runs);
	free(set.stored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mapped, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_written, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_zero_pages_that_stay, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_failures, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_places, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
