/* SPDX-License-Identifier: GPL-2.0 */
/* Where areas lie in a checkpoint's content. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include "fam/layout.h"

#define PAGE	     4096ul
#define GIB	     (1ul << 30)
#define MIB	     (1ul << 20)
#define PAGES(bytes) ((bytes) / PAGE)

static void add_run(struct page_run_list *runs, uint64_t vaddr, uint64_t bytes)
{
	assert_int_equal(page_run_add(runs, vaddr, PAGES(bytes), PE_PRESENT, true), 0);
}

static void assert_extent(const struct fam_layout *l, size_t i, uint32_t id, uint64_t vaddr, uint64_t len)
{
	assert_true(i < l->nr);
	assert_int_equal(l->v[i].pages_id, id);
	assert_int_equal(l->v[i].vaddr, vaddr);
	assert_int_equal(l->v[i].len, len);
}

/* Inside the content, and none over another. */
static void assert_sound(const struct fam_layout *l)
{
	assert_int_equal(l->size % FAM_ALIGN, 0);
	for (size_t i = 0; i < l->nr; i++) {
		assert_int_equal(l->v[i].offset % PAGE, 0);
		assert_true(l->v[i].offset + l->v[i].len <= l->size);
	}
	for (size_t i = 0; l->nr < 1000 && i < l->nr; i++)
		for (size_t k = 0; k < i; k++)
			assert_true(l->v[i].offset + l->v[i].len <= l->v[k].offset ||
				    l->v[k].offset + l->v[k].len <= l->v[i].offset);
}

static void test_large_ones_are_congruent(void **state)
{
	struct fam_layout l = { .holes = true };
	struct page_run_list small = {}, large = {}, almost = {};

	add_run(&large, 0x7f0000123000, 9 * MIB);
	add_run(&small, 0x555555554000, 3 * PAGE);
	add_run(&small, 0x555555558000, PAGE);
	add_run(&almost, 0x7f1000001000, FAM_ALIGN + FAM_ALIGN - 2 * PAGE);
	assert_int_equal(fam_layout_add(&l, 1, &large, NULL, 0), 0);
	assert_int_equal(fam_layout_add(&l, 2, &small, NULL, 0), 0);
	assert_int_equal(fam_layout_add(&l, 3, &almost, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&l), 0);
	assert_sound(&l);
	assert_int_equal(l.nr, 3);
	assert_extent(&l, 0, 1, 0x7f0000123000, 9 * MIB);
	assert_extent(&l, 1, 2, 0x555555554000, 5 * PAGE);
	assert_int_equal((l.v[0].offset - l.v[0].vaddr) % FAM_ALIGN, 0);
	/* No whole aligned 2 MiB are in the third: packed behind the second. */
	assert_int_equal(l.v[1].offset, 0);
	assert_int_equal(l.v[2].offset, 5 * PAGE);
	assert_true(l.v[0].offset >= l.v[2].offset + l.v[2].len);
	fam_layout_free(&l);
	page_run_list_free(&small);
	page_run_list_free(&large);
	page_run_list_free(&almost);
}

static void test_a_run_over_several_areas(void **state)
{
	const uint64_t starts[] = { 0x10000, 0x20000, 0x22000, 0x40000 };
	struct fam_layout l = { .holes = true };
	struct page_run_list runs = {};

	/* The second area ends before the third begins, which the run doesn't show: they touch. */
	add_run(&runs, 0x1f000, 4 * PAGE);
	assert_int_equal(page_run_add(&runs, 0x24000, 1, 0, true), 0);
	add_run(&runs, 0x26000, PAGE);
	add_run(&runs, 0x40000, PAGE);
	assert_int_equal(fam_layout_add(&l, 7, &runs, starts, 4), 0);
	assert_int_equal(fam_layout_place(&l), 0);
	assert_sound(&l);
	assert_int_equal(l.nr, 4);
	assert_extent(&l, 0, 7, 0x1f000, PAGE);
	assert_extent(&l, 1, 7, 0x20000, 2 * PAGE);
	assert_extent(&l, 2, 7, 0x22000, 5 * PAGE);
	assert_extent(&l, 3, 7, 0x40000, PAGE);
	fam_layout_free(&l);
	page_run_list_free(&runs);
}

static void test_find(void **state)
{
	struct fam_layout l = { .holes = true };
	struct page_run_list runs = {};
	uint64_t offset, len;

	add_run(&runs, 0x10000, 4 * PAGE);
	assert_int_equal(fam_layout_add(&l, 2, &runs, NULL, 0), 0);
	assert_int_equal(fam_layout_add(&l, 4, &runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&l), 0);
	assert_int_equal(fam_layout_find(&l, 4, 0x11000, 9 * PAGE, &offset, &len), 0);
	assert_int_equal(offset, l.v[1].offset + PAGE);
	assert_int_equal(len, 3 * PAGE);
	assert_int_equal(fam_layout_find(&l, 2, 0x10000, PAGE, &offset, &len), 0);
	assert_int_equal(offset, l.v[0].offset);
	assert_int_equal(len, PAGE);
	assert_int_equal(fam_layout_find(&l, 2, 0xf000, PAGE, &offset, &len), -ENOENT);
	assert_int_equal(fam_layout_find(&l, 2, 0x14000, PAGE, &offset, &len), -ENOENT);
	assert_int_equal(fam_layout_find(&l, 3, 0x10000, PAGE, &offset, &len), -ENOENT);
	assert_int_equal(fam_layout_find(&l, 5, 0x10000, PAGE, &offset, &len), -ENOENT);
	assert_null(fam_layout_first(&l, 3, 0));
	assert_ptr_equal(fam_layout_first(&l, 4, 0), &l.v[1]);
	fam_layout_free(&l);
	page_run_list_free(&runs);
}

static void test_many_areas(void **state)
{
	enum { NR = 65000 };
	static uint64_t starts[NR];
	struct fam_layout l = { .holes = true };
	struct page_run_list runs = {};
	uint64_t offset, len;

	for (size_t i = 0; i < NR; i++) {
		starts[i] = 0x100000000 + i * 2 * PAGE;
		add_run(&runs, starts[i], PAGE);
	}
	assert_int_equal(fam_layout_add(&l, 1, &runs, starts, NR), 0);
	assert_int_equal(fam_layout_place(&l), 0);
	assert_sound(&l);
	assert_int_equal(l.nr, NR);
	assert_int_equal(l.size, (NR * PAGE + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1));
	assert_int_equal(fam_layout_find(&l, 1, starts[NR - 1], PAGE, &offset, &len), 0);
	assert_int_equal(offset, (NR - 1) * PAGE);
	fam_layout_free(&l);
	page_run_list_free(&runs);
}

static void test_sparse_area(void **state)
{
	const uint64_t at = 0x100000000000, all = 4096 * GIB;
	struct fam_layout l = { .holes = true }, dense = { 0 };
	struct page_run_list runs = {};

	/* A page here and there is one extent as long as nothing but addresses is lost. */
	for (uint64_t i = 0; i < all; i += 512 * MIB)
		add_run(&runs, at + i, PAGE);
	assert_int_equal(fam_layout_add(&l, 1, &runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&l), 0);
	assert_extent(&l, 0, 1, at, all - 512 * MIB + PAGE);
	assert_int_equal(l.nr, 1);
	/* A second area of that kind has no room for holes any more. */
	assert_int_equal(fam_layout_add(&l, 2, &runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&l), 0);
	assert_true(l.nr > 8000);
	assert_true(l.size < all + 64 * MIB);
	/* Where holes take room only pages do. */
	assert_int_equal(fam_layout_add(&dense, 1, &runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&dense), 0);
	assert_sound(&dense);
	assert_int_equal(dense.nr, runs.nr);
	assert_true(dense.size <= runs.nr * PAGE + FAM_ALIGN);
	fam_layout_free(&l);
	fam_layout_free(&dense);
	page_run_list_free(&runs);
}

static void test_gaps(void **state)
{
	struct fam_layout l = { .holes = true }, dense = { 0 };
	struct page_run_list runs = {};

	add_run(&runs, 64 * GIB, 64 * MIB);
	add_run(&runs, 64 * GIB + 65 * MIB, 64 * MIB);	/* a gap of 1 MiB */
	add_run(&runs, 64 * GIB + 132 * MIB, 64 * MIB); /* of 3 MiB */
	add_run(&runs, 66 * GIB, MIB);			/* of more than 1 GiB */
	assert_int_equal(fam_layout_add(&l, 1, &runs, NULL, 0), 0);
	assert_int_equal(l.nr, 2);
	assert_extent(&l, 0, 1, 64 * GIB, 196 * MIB);
	assert_int_equal(fam_layout_add(&dense, 1, &runs, NULL, 0), 0);
	assert_int_equal(dense.nr, 3);
	assert_extent(&dense, 0, 1, 64 * GIB, 129 * MIB);
	fam_layout_free(&l);
	fam_layout_free(&dense);
	page_run_list_free(&runs);
}

static void test_filler_is_bounded(void **state)
{
	struct fam_layout dense = { 0 };
	struct page_run_list runs = {};

	for (uint64_t i = 0; i < 1000; i++)
		add_run(&runs, GIB + i * 3 * PAGE, 2 * PAGE);
	assert_int_equal(fam_layout_add(&dense, 1, &runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&dense), 0);
	assert_true(dense.size <= 2000 * PAGE * 9 / 8 + FAM_ALIGN * 2);
	fam_layout_free(&dense);
	page_run_list_free(&runs);
}

static void test_impossible(void **state)
{
	struct page_run bad[] = {
		{ 0x1001, 1, PE_PRESENT },
		{ 0x1000, 0, PE_PRESENT },
		{ 0x1000, 1ull << 52, PE_PRESENT },
		{ FAM_VADDR_MAX, 1, PE_PRESENT },
		{ FAM_VADDR_MAX - PAGE, 2, PE_PRESENT },
		{ ~0ull << 12, 2, PE_PRESENT },
	};
	struct fam_layout l = { .holes = true };
	struct page_run_list runs = { .nr = 1 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		runs.v = &bad[i];
		assert_int_equal(fam_layout_add(&l, 1, &runs, NULL, 0), -EINVAL);
	}
	assert_int_equal(l.nr, 0);
	/* Too much for any address space. */
	runs.v = &(struct page_run){ 0, PAGES(1ull << 46), PE_PRESENT };
	assert_int_equal(fam_layout_add(&l, 1, &runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&l), 0);
	assert_int_equal(fam_layout_add(&l, 2, &runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&l), -EFBIG);
	fam_layout_free(&l);
	/* An image that couldn't be read. */
	l = (struct fam_layout){ .nr = FAM_EXTENTS_MAX + 1 };
	assert_int_equal(fam_layout_place(&l), -EFBIG);
}

static void test_nothing(void **state)
{
	struct fam_layout l = { 0 };
	struct page_run_list runs = {};

	assert_int_equal(fam_layout_add(&l, 1, &runs, NULL, 0), 0);
	assert_int_equal(fam_layout_place(&l), 0);
	assert_int_equal(l.nr, 0);
	assert_int_equal(l.size, 0);
	assert_null(fam_layout_first(&l, 1, 0));
	fam_layout_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_ones_are_congruent),
		cmocka_unit_test(test_a_run_over_several_areas),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_many_areas),
		cmocka_unit_test(test_sparse_area),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_filler_is_bounded),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
