/* SPDX-License-Identifier: GPL-2.0 */
/* Who installs which filter and creates whom: played through, every thread has exactly its own chain. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "restore/seccomp_plan.h"

#define MAX    64
#define NONE   -1
#define STRICT -2

struct world {
	SeccompEntry all;
	SeccompFilter filters[MAX], *v[MAX];
	struct sock_filter code[MAX];
	struct task task;
	struct task_thread threads[MAX];
	CoreEntry core[MAX], *cores[MAX];
	ThreadCoreEntry thread[MAX];
	TaskCoreEntry tc;
	struct cr_error error;
	struct cr_ctx ctx;
};

static struct world *world_new(const int *prevs, size_t nr_filters, const int *tops, size_t nr_threads)
{
	struct world *w = calloc(1, sizeof(*w));

	seccomp_entry__init(&w->all);
	w->all.seccomp_filters = w->v;
	w->all.n_seccomp_filters = nr_filters;
	for (size_t i = 0; i < nr_filters; i++) {
		seccomp_filter__init(&w->filters[i]);
		w->v[i] = &w->filters[i];
		w->code[i].k = i;
		w->filters[i].filter.data = (uint8_t *)&w->code[i];
		w->filters[i].filter.len = sizeof(w->code[i]);
		w->filters[i].has_prev = prevs[i] >= 0;
		w->filters[i].prev = prevs[i] >= 0 ? prevs[i] : 0;
	}
	task_core_entry__init(&w->tc);
	w->task = (struct task){ .pid = 100, .nr_threads = nr_threads, .threads = w->threads };
	for (size_t i = 0; i < nr_threads; i++) {
		w->threads[i].tid = 100 + i;
		core_entry__init(&w->core[i]);
		thread_core_entry__init(&w->thread[i]);
		w->core[i].thread_core = &w->thread[i];
		w->cores[i] = &w->core[i];
		w->thread[i].has_seccomp_mode = tops[i] != NONE;
		w->thread[i].seccomp_mode = tops[i] == STRICT ? SECCOMP_MODE__strict : SECCOMP_MODE__filter;
		w->thread[i].has_seccomp_filter = tops[i] >= 0;
		w->thread[i].seccomp_filter = tops[i] >= 0 ? tops[i] : 0;
	}
	w->core[0].tc = &w->tc;
	w->ctx.error = &w->error;
	return w;
}

/* Takes the steps of all threads; RET[i]: the top of thread i, or STRICT. */
static void play(const struct world *w, const struct seccomp_plan *plan, int *ret)
{
	size_t todo[MAX], nr_todo = 1, nr_made = 1, relayed = 0;

	todo[0] = 0;
	ret[0] = NONE;
	while (nr_todo) {
		size_t t = todo[--nr_todo];

		for (size_t i = 0; i < plan->threads[t].nr; i++) {
			const struct plan_step *step = &plan->steps[plan->threads[t].first + i];

			switch (step->kind) {
			case STEP_THREAD:
				assert_in_range(step->nr, 1, w->task.nr_threads - 1);
				ret[step->nr] = ret[t];
				todo[nr_todo++] = step->nr;
				nr_made++;
				relayed += t != 0;
				break;
			case STEP_FILTER: {
				uint32_t filter = plan->filters[step->nr];

				assert_int_equal(w->filters[filter].has_prev ? (int)w->filters[filter].prev : NONE,
						 ret[t]);
				ret[t] = filter;
				break;
			}
			default:
				assert_int_equal(ret[t], NONE);
				ret[t] = STRICT;
			}
		}
	}
	assert_int_equal(nr_made, w->task.nr_threads);
	assert_int_equal(relayed, plan->nr_relayed);
}

static void check(const int *prevs, size_t nr_filters, const int *tops, size_t nr_threads)
{
	struct world *w = world_new(prevs, nr_filters, tops, nr_threads);
	struct plan_filter filters[MAX];
	struct plan_step steps[2 * MAX];
	struct sock_filter code[MAX];
	struct seccomp_plan plan;
	int got[MAX];

	assert_int_equal(seccomp_validate(&w->ctx, &w->all), 0);
	assert_int_equal(seccomp_plan(&w->ctx, &w->task, w->cores, &w->all, &plan), 0);
	play(w, &plan, got);
	for (size_t i = 0; i < nr_threads; i++)
		assert_int_equal(got[i], tops[i]);
	assert_int_equal(plan.code_len, plan.nr_filters * sizeof(struct sock_filter));
	seccomp_plan_put(&plan, &w->all, steps, filters, (char *)code);
	for (size_t i = 0; i < plan.nr_filters; i++) {
		assert_int_equal(filters[i].nr, 1);
		assert_int_equal(((const struct sock_filter *)filters[i].code)->k, plan.filters[i]);
	}
	seccomp_plan_free(&plan);
	free(w);
}

#define CHECK(prevs, tops) check(prevs, sizeof(prevs) / sizeof(int), tops, sizeof(tops) / sizeof(int))

static void chains_come_out(void **state)
{
	/* 0 - 1 - 2, 0 - 3 - 4, 5; 6 belongs to another task */
	static const int prevs[] = { NONE, 0, 1, 0, 3, NONE, 4 };
	static const int alone[] = { 2 }, plain[] = { NONE, NONE, NONE }, same[] = { 1, 1, 1 };
	static const int above[] = { 0, 2, 2, 1 }, below[] = { 4, NONE, 0, 3, 4 };
	static const int mixed[] = { 3, STRICT, 2, 5, NONE, 1, 2, STRICT, 4, 4, 0 }, strict[] = { STRICT, STRICT, 5 };

	CHECK(prevs, alone);
	CHECK(prevs, plain);
	CHECK(prevs, same);
	CHECK(prevs, above);
	CHECK(prevs, below);
	CHECK(prevs, mixed);
	CHECK(prevs, strict);
}

static void any_tree_comes_out(void **state)
{
	srand(4711);
	for (int round = 0; round < 2000; round++) {
		int prevs[20], tops[20];
		size_t nr_filters = 1 + rand() % 20, nr_threads = 1 + rand() % 20;

		for (size_t i = 0; i < nr_filters; i++)
			prevs[i] = rand() % (i + 1) - 1;
		for (size_t i = 0; i < nr_threads; i++)
			tops[i] = rand() % (nr_filters + 2) - 2;
		check(prevs, nr_filters, tops, nr_threads);
	}
}

static void old_images_say_it_once(void **state)
{
	static const int prevs[] = { NONE, 0 }, tops[] = { NONE, NONE };
	struct world *w = world_new(prevs, 2, tops, 2);
	struct seccomp_plan plan;
	int got[MAX];

	w->tc.has_old_seccomp_mode = w->tc.has_old_seccomp_filter = true;
	w->tc.old_seccomp_mode = SECCOMP_MODE__filter;
	w->tc.old_seccomp_filter = 1;
	assert_int_equal(seccomp_plan(&w->ctx, &w->task, w->cores, &w->all, &plan), 0);
	play(w, &plan, got);
	assert_int_equal(got[0], 1);
	assert_int_equal(got[1], 1);
	assert_int_equal(plan.nr_filters, 2);
	seccomp_plan_free(&plan);
	free(w);
}

static void damage_is_refused(void **state)
{
	static const int prevs[] = { NONE, 0 }, tops[] = { 1 };
	struct world *w = world_new(prevs, 2, tops, 1);
	struct seccomp_plan plan;

	w->filters[1].prev = 1;
	assert_int_equal(seccomp_validate(&w->ctx, &w->all), -EINVAL);
	w->filters[1].prev = 0;
	w->filters[1].filter.len = 12;
	assert_int_equal(seccomp_validate(&w->ctx, &w->all), -EINVAL);
	w->filters[1].filter.len = 0;
	assert_int_equal(seccomp_validate(&w->ctx, &w->all), -EINVAL);
	w->filters[1].filter.len = 8 * 4097;
	assert_int_equal(seccomp_validate(&w->ctx, &w->all), -EINVAL);
	w->filters[1].filter.len = 8;
	w->filters[1].has_flags = true;
	w->filters[1].flags = 8;
	assert_int_equal(seccomp_validate(&w->ctx, &w->all), -EOPNOTSUPP);
	w->filters[1].flags = 7;
	assert_int_equal(seccomp_validate(&w->ctx, &w->all), 0);
	w->thread[0].seccomp_filter = 2;
	assert_int_equal(seccomp_plan(&w->ctx, &w->task, w->cores, &w->all, &plan), -EINVAL);
	w->thread[0].seccomp_filter = 0;
	assert_int_equal(seccomp_plan(&w->ctx, &w->task, w->cores, NULL, &plan), -EINVAL);
	w->thread[0].has_seccomp_filter = false;
	assert_int_equal(seccomp_plan(&w->ctx, &w->task, w->cores, &w->all, &plan), -EINVAL);
	w->thread[0].seccomp_mode = 3;
	assert_int_equal(seccomp_plan(&w->ctx, &w->task, w->cores, &w->all, &plan), -EINVAL);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_come_out),
		cmocka_unit_test(any_tree_comes_out),
		cmocka_unit_test(old_images_say_it_once),
		cmocka_unit_test(damage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
