/* SPDX-License-Identifier: GPL-2.0 */
/* Missing pages: forgotten, moved, inherited; against a model that has one entry for each page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pager/memory.h"

#define NR   400ul /* pages of the model's address space */
#define BASE 0x100000ul

static char content[NR * PAGER_PAGE];

/* Where page I's content is; NULL: it isn't missing. */
struct model {
	const char *from[NR];
};

static uint64_t at(unsigned long page)
{
	return BASE + page * PAGER_PAGE;
}

static uint64_t left_in(const struct model *model)
{
	uint64_t nr = 0;

	for (unsigned long i = 0; i < NR; i++)
		nr += model->from[i] != NULL;
	return nr;
}

static void compare(const struct pager_memory *m, const struct model *model)
{
	struct pager_piece piece;

	for (unsigned long i = 0; i < NR; i++) {
		bool missing = pager_memory_find(m, at(i), 0, UINT64_MAX, &piece);

		assert_int_equal(missing, model->from[i] != NULL);
		if (!missing)
			continue;
		assert_in_range(at(i), piece.vaddr, piece.vaddr + piece.len - 1);
		for (uint64_t k = 0; k < piece.len / PAGER_PAGE; k++)
			assert_ptr_equal(piece.from + k * PAGER_PAGE,
					 model->from[(piece.vaddr - BASE) / PAGER_PAGE + k]);
	}
	assert_int_equal(m->nr_missing, left_in(model));
}

/* Three ranges with gaps: 10 to 109, 120 to 129, 200 to 349. */
static struct pager_memory *make(struct model *model)
{
	const struct pager_range ranges[] = {
		{ at(10), 100, content },
		{ at(120), 10, content + 150 * PAGER_PAGE },
		{ at(200), 150, content + 200 * PAGER_PAGE },
	};
	struct pager_memory *m;

	assert_int_equal(pager_memory_new(ranges, 3, &m), 0);
	memset(model, 0, sizeof(*model));
	for (int i = 0; i < 3; i++)
		for (uint64_t k = 0; k < ranges[i].nr_pages; k++)
			model->from[(ranges[i].vaddr - BASE) / PAGER_PAGE + k] = ranges[i].from + k * PAGER_PAGE;
	return m;
}

static void test_new(void **state)
{
	const struct pager_range unsorted[] = { { at(10), 5, content }, { at(14), 1, content } };
	const struct pager_range odd = { at(1) + 1, 1, content }, endless = { at(1), UINT64_MAX / 2, content };
	struct model model;
	struct pager_memory *m = make(&model);

	compare(m, &model);
	pager_memory_free(m);
	assert_int_equal(pager_memory_new(unsorted, 2, &m), -EINVAL);
	assert_int_equal(pager_memory_new(&odd, 1, &m), -EINVAL);
	assert_int_equal(pager_memory_new(&endless, 1, &m), -EINVAL);
}

static void test_window(void **state)
{
	struct model model;
	struct pager_memory *m = make(&model);
	struct pager_piece piece;

	assert_true(pager_memory_find(m, at(50) + 123, at(48), at(64), &piece));
	assert_int_equal(piece.vaddr, at(48));
	assert_int_equal(piece.len, 16 * PAGER_PAGE);
	pager_memory_forget(m, at(52), at(53));
	assert_true(pager_memory_find(m, at(50), at(48), at(64), &piece));
	assert_int_equal(piece.len, 4 * PAGER_PAGE);
	assert_false(pager_memory_find(m, at(52), at(48), at(64), &piece));
	pager_memory_free(m);
}

static void test_next(void **state)
{
	struct model model;
	struct pager_memory *m = make(&model);
	struct pager_piece piece;
	uint64_t nr = 0;

	m->cursor = at(300);
	assert_true(pager_memory_next(m, 16 * PAGER_PAGE, &piece));
	assert_int_equal(piece.vaddr, at(300));
	while (pager_memory_next(m, 16 * PAGER_PAGE, &piece)) {
		assert_in_range(piece.len, PAGER_PAGE, 16 * PAGER_PAGE);
		nr += pager_memory_forget(m, piece.vaddr, piece.vaddr + piece.len);
	}
	assert_int_equal(nr, 260);
	assert_int_equal(m->nr_missing, 0);
	pager_memory_free(m);
}

/* A message that is handled twice, because who handled it first was killed. */
static void test_move_twice(void **state)
{
	struct model model;
	struct pager_memory *m = make(&model);

	for (int i = 0; i < 2; i++)
		assert_int_equal(pager_memory_move(m, at(200), at(0), 5 * PAGER_PAGE, 7), 0);
	memcpy(&model.from[0], &model.from[200], 5 * sizeof(char *));
	memset(&model.from[200], 0, 5 * sizeof(char *));
	compare(m, &model);
	pager_memory_free(m);
}

static void model_move(struct model *model, unsigned long from, unsigned long to, unsigned long nr)
{
	memmove(&model->from[to], &model->from[from], nr * sizeof(char *));
	memset(&model->from[from], 0, nr * sizeof(char *));
}

static void test_random(void **state)
{
	srand(4);
	for (int round = 0; round < 300; round++) {
		struct model model, child_model;
		struct pager_memory *m = make(&model), *child;

		for (uint64_t step = 1; step < 30; step++) {
			unsigned long nr = 1 + rand() % 60, from = rand() % (NR - nr), to = rand() % (NR - nr);

			if (rand() % 2) {
				pager_memory_forget(m, at(from), at(from + nr));
				memset(&model.from[from], 0, nr * sizeof(char *));
			} else if (from + nr <= to || to + nr <= from) { /* mremap(2): they don't overlap */
				assert_int_equal(pager_memory_move(m, at(from), at(to), nr * PAGER_PAGE, step), 0);
				model_move(&model, from, to, nr);
			}
		}
		compare(m, &model);
		assert_int_equal(pager_memory_clone(m, &child), 0);
		child_model = model;
		pager_memory_forget(m, 0, UINT64_MAX - PAGER_PAGE);
		memset(&model, 0, sizeof(model));
		compare(m, &model);
		compare(child, &child_model);
		pager_memory_free(child);
		pager_memory_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),	   cmocka_unit_test(test_window), cmocka_unit_test(test_next),
		cmocka_unit_test(test_move_twice), cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
