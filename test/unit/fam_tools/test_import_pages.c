/* SPDX-License-Identifier: GPL-2.0 */
/* The pages of an ordinary set on their way into a checkpoint: which are left out, and where each goes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fam/crc32c.h"
#include "fam_tools/import_pages.h"
#include "mm.pb-c.h"

#define PAGE RUN_PAGE_SIZE
#define ADDR 0x7f0000000000ull

static char dir[] = "/tmp/test_import.XXXXXX";
static int images = -1;

static int make_dir(void **state)
{
	images = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return images < 0 ? -1 : 0;
}

static int remove_dir(void **state)
{
	unlinkat(images, "pages-4.img", 0);
	unlinkat(images, "mm-9.img", 0);
	close_fdp(&images);
	return rmdir(dir);
}

/* pages-4.img: CONTENT has a character for each page, 0 for one of zeroes. */
static void write_pages(const char *content)
{
	size_t nr = strlen(content);
	_cleanup_free_ char *pages = calloc(nr, PAGE);

	for (size_t i = 0; i < nr; i++)
		if (content[i] != '0')
			memset(pages + i * PAGE, content[i], PAGE);
	/* One byte at the end is enough. */
	if (content[nr - 1] == 'e')
		memset(pages + (nr - 1) * PAGE, 0, PAGE - 1);
	assert_int_equal(write_file_at(images, "pages-4.img", pages, nr * PAGE), 0);
}

static void write_areas(const uint64_t *starts, size_t nr)
{
	MmEntry mm = MM_ENTRY__INIT;
	VmaEntry areas[8];
	VmaEntry *pointers[8];

	for (size_t i = 0; i < nr; i++) {
		vma_entry__init(&areas[i]);
		areas[i].start = starts[i];
		areas[i].end = starts[i] + PAGE;
		pointers[i] = &areas[i];
	}
	mm.n_vmas = nr;
	mm.vmas = pointers;
	assert_int_equal(image_write_single(images, IMG_MM, &mm.base, 9ul), 0);
}

static struct import_pages find(enum image_kind kind, uint32_t flags, uint64_t nr_pages)
{
	struct page_run_at run = { ADDR, nr_pages, 0, flags };
	struct pagemap pagemap = { .pages_id = 4, .v = &run, .nr = 1, .nr_pages = nr_pages };
	const struct set_pagemap map = { kind, 9, &pagemap };
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { .error = &error };
	struct import_pages pages;

	assert_int_equal(import_pages_find(&ctx, images, &map, &pages), 0);
	return pages;
}

static void zeroes_are_left_out_where_nothing_else_would_come(void **state)
{
	static const struct {
		enum image_kind kind;
		uint32_t flags;
		bool drops;
	} cases[] = {
		{ IMG_PAGEMAP, PE_PRESENT | PE_LAZY, true },
		{ IMG_SHMEM_PAGEMAP, PE_PRESENT, true },
		/* A private copy of a file's page, or the vDSO: without it the file's would be seen. */
		{ IMG_PAGEMAP, PE_PRESENT, false },
	};
	const uint64_t start = ADDR;

	write_pages("00a0bb0e");
	write_areas(&start, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct import_pages pages = find(cases[i].kind, cases[i].flags, 8);

		assert_int_equal(pages.runs.nr, cases[i].drops ? 3 : 1);
		assert_int_equal(pages.runs.nr_present, cases[i].drops ? 4 : 8);
		if (cases[i].drops) {
			assert_true(pages.runs.v[0].vaddr == ADDR + 2 * PAGE);
			assert_true(pages.runs.v[1].vaddr == ADDR + 4 * PAGE);
			assert_int_equal(pages.runs.v[1].nr_pages, 2);
			assert_true(pages.runs.v[2].vaddr == ADDR + 7 * PAGE);
			assert_int_equal(pages.runs.v[2].flags, cases[i].flags);
		}
		import_pages_free(&pages);
	}
}

static void areas_out_of_order_are_passed_over(void **state)
{
	const uint64_t starts[] = { ADDR, ADDR + 4 * PAGE, ADDR + 2 * PAGE, ADDR + 4 * PAGE, ADDR + 6 * PAGE };
	struct import_pages pages;

	write_pages("aaaaaaaa");
	write_areas(starts, 5);
	pages = find(IMG_PAGEMAP, PE_PRESENT | PE_LAZY, 8);
	assert_int_equal(pages.nr_starts, 3);
	assert_true(pages.starts[1] == ADDR + 4 * PAGE && pages.starts[2] == ADDR + 6 * PAGE);
	import_pages_free(&pages);
}

/* Pages 0 and 3 to 4 are left of two runs: they find their way from there to the content, and into the checksums. */
static void pages_are_copied_to_their_places(void **state)
{
	struct page_run_at runs[] = { { ADDR, 3, 0, PE_PRESENT | PE_LAZY },
				      { ADDR + 3 * PAGE, 2, 3 * PAGE, PE_PRESENT | PE_LAZY } };
	struct pagemap pagemap = { .pages_id = 4, .v = runs, .nr = 2, .nr_pages = 5 };
	const struct set_pagemap map = { IMG_PAGEMAP, 9, &pagemap };
	const uint64_t starts[] = { ADDR, ADDR + 4 * PAGE };
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { .error = &error };
	struct fam_pool pool = { .ctx = &ctx };
	struct fam_checkpoint cp = { .pool = &pool, .size = FAM_ALIGN };
	struct fam_layout layout = { .holes = true };
	struct fam_source source = { .pages_id = 4 };
	struct import_pages pages;
	uint64_t offset, len;

	write_pages("a00bc");
	write_areas(starts, 2);
	assert_int_equal(import_pages_find(&ctx, images, &map, &pages), 0);
	assert_int_equal(pages.runs.nr_present, 3);
	assert_int_equal(fam_layout_add(&layout, 4, &pages.runs, pages.starts, pages.nr_starts), 0);
	assert_int_equal(fam_layout_place(&layout), 0);
	source.runs = &pages.runs;
	assert_int_equal(fam_source_place(&source, &layout), 0);
	cp.base = mmap(NULL, cp.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(import_pages_copy(&cp, &source, images, &pagemap), 0);
	for (size_t i = 0; i < 5; i++) {
		if (i == 1 || i == 2)
			continue;
		assert_int_equal(fam_layout_find(&layout, 4, ADDR + i * PAGE, PAGE, &offset, &len), 0);
		assert_int_equal(cp.base[offset], "a00bc"[i]);
		assert_int_equal(cp.base[offset + PAGE - 1], "a00bc"[i]);
	}
	assert_int_equal(import_pages_checksum(&cp, &source, &layout), 0);
	assert_int_equal(layout.nr, 2);
	offset = layout.v[1].offset;
	assert_true(layout.v[1].has_crc && layout.v[1].crc32c == fam_crc32c(0, cp.base + offset, PAGE));
	offset = layout.v[0].offset;
	assert_true(layout.v[0].crc32c ==
		    fam_crc32c(fam_crc32c(0, cp.base + offset, PAGE), cp.base + offset + 3 * PAGE, PAGE));
	munmap(cp.base, cp.size);
	free(source.placed);
	fam_layout_free(&layout);
	import_pages_free(&pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroes_are_left_out_where_nothing_else_would_come),
		cmocka_unit_test(areas_out_of_order_are_passed_over),
		cmocka_unit_test(pages_are_copied_to_their_places),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
