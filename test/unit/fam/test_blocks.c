/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fam/blocks.h"

#define NR 200u

static void taken_and_given(void **state)
{
	struct fam_blocks blocks;

	assert_int_equal(fam_blocks_init(&blocks, NR), 0);
	assert_true(fam_blocks_take(&blocks, (struct fam_fragment){ 10, 100 }));
	assert_int_equal(blocks.nr_free, NR - 100);
	assert_false(fam_blocks_take(&blocks, (struct fam_fragment){ 109, 2 }));
	assert_false(fam_blocks_take(&blocks, (struct fam_fragment){ 5, 6 }));
	assert_false(fam_blocks_take(&blocks, (struct fam_fragment){ NR - 1, 2 }));
	assert_false(fam_blocks_take(&blocks, (struct fam_fragment){ UINT32_MAX, 2 }));
	assert_false(fam_blocks_take(&blocks, (struct fam_fragment){ 150, UINT32_MAX - 100 }));
	assert_int_equal(blocks.nr_free, NR - 100);
	assert_true(fam_blocks_take(&blocks, (struct fam_fragment){ 110, 1 }));
	fam_blocks_give(&blocks, (struct fam_fragment){ 10, 101 });
	assert_int_equal(blocks.nr_free, NR);
	fam_blocks_free(&blocks);
}

/* Free are 20 at 0, 8 at 50, 8 at 70, 30 at 100. */
static void smallest_run_that_fits(void **state)
{
	static const struct fam_fragment taken[] = { { 20, 30 }, { 58, 12 }, { 78, 22 }, { 130, NR - 130 } };
	struct fam_fragment found[4];
	struct fam_blocks blocks;
	size_t nr;

	assert_int_equal(fam_blocks_init(&blocks, NR), 0);
	for (size_t i = 0; i < 4; i++)
		assert_true(fam_blocks_take(&blocks, taken[i]));
	assert_int_equal(fam_blocks_find(&blocks, 7, found, 4, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(found[0].first, 50);
	assert_int_equal(found[0].nr, 7);
	assert_int_equal(fam_blocks_find(&blocks, 21, found, 4, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(found[0].first, 100);
	/* 20, 1, 8 and 9 are left. */
	assert_int_equal(fam_blocks_find(&blocks, 30, found, 2, &nr), -ENOSPC);
	assert_int_equal(blocks.nr_free, 38);
	assert_int_equal(fam_blocks_find(&blocks, 30, found, 3, &nr), 0);
	assert_int_equal(nr, 3);
	assert_int_equal(found[0].first, 0);
	assert_int_equal(found[1].first, 70);
	assert_int_equal(found[1].nr, 1);
	assert_int_equal(found[2].first, 121);
	assert_int_equal(fam_blocks_find(&blocks, 9, found, 4, &nr), -ENOSPC);
	fam_blocks_free(&blocks);
}

/* Against one byte per block. */
static void random_sequences(void **state)
{
	struct fam_fragment held[100][4];
	size_t nr_held[100] = { 0 };
	unsigned char model[NR] = { 0 };
	struct fam_blocks blocks;
	uint32_t nr_free = NR;

	srandom(7);
	assert_int_equal(fam_blocks_init(&blocks, NR), 0);
	for (int round = 0; round < 20000; round++) {
		size_t n = random() % 100;
		uint32_t want = random() % 12 + 1;

		if (nr_held[n]) {
			for (size_t i = 0; i < nr_held[n]; i++) {
				fam_blocks_give(&blocks, held[n][i]);
				memset(model + held[n][i].first, 0, held[n][i].nr);
				nr_free += held[n][i].nr;
			}
			nr_held[n] = 0;
		} else if (!fam_blocks_find(&blocks, want, held[n], 4, &nr_held[n])) {
			for (size_t i = 0; i < nr_held[n]; i++)
				for (uint32_t b = 0; b < held[n][i].nr; b++, want--)
					assert_int_equal(model[held[n][i].first + b]++, 0);
			assert_int_equal(want, 0);
			for (size_t i = 0; i < nr_held[n]; i++)
				nr_free -= held[n][i].nr;
		}
		assert_int_equal(blocks.nr_free, nr_free);
	}
	fam_blocks_free(&blocks);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_and_given),
		cmocka_unit_test(smallest_run_that_fits),
		cmocka_unit_test(random_sequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
