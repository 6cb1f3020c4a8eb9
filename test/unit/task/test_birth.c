/* SPDX-License-Identifier: GPL-2.0 */
/* When processes are created for their sessions: planned on trees that are written down. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "task/birth.h"

struct row {
	pid_t pid, ppid, sid;
	enum born_when born;
	pid_t born_in;
};

static void check(const struct row *rows, size_t nr)
{
	struct task_tree tree;
	struct task *t;

	task_tree_init(&tree);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(task_tree_add(&tree, task_tree_find(&tree, rows[i].ppid), rows[i].pid, 1, &t), 0);
		t->sid = rows[i].sid;
	}
	births_plan(&tree);
	for_each_task (&tree, t) {
		assert_int_equal(t->born, rows->born);
		assert_int_equal(t->born_in, rows->born_in);
		rows++;
	}
	task_tree_free(&tree);
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof(rows[0]))

static void inherited(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ 10, 0, 10, BORN_AFTER_SETSID, SID_OURS },
		{ 11, 10, 10, BORN_AFTER_SETSID, 10 },
		{ 12, 10, 12, BORN_AFTER_SETSID, 10 }, /* a leader itself */
		{ 13, 12, 12, BORN_AFTER_SETSID, 12 },
	};

	CHECK(rows);
}

/* The root has left the session that it was born in, or never was in one of the tree; 0 can't be seen from here. */
static void outside(void **state __unused_arg)
{
	static const struct row left[] = {
		{ 10, 0, 10, BORN_AFTER_SETSID, SID_OURS },
		{ 11, 10, 0, BORN_BEFORE_SETSID, SID_OURS },
	};
	static const struct row never[] = {
		{ 10, 0, 5, BORN_AFTER_SETSID, SID_OURS },
		{ 11, 10, 11, BORN_AFTER_SETSID, SID_OURS },
		{ 12, 11, 5, BORN_BEFORE_SETSID, SID_OURS },
	};

	CHECK(left);
	CHECK(never);
}

/* Leaders that have to be born early because of those below them. */
static void chain(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ 1, 0, 1, BORN_AFTER_SETSID, SID_OURS }, { 2, 1, 2, BORN_AFTER_SETSID, 1 },
		{ 3, 2, 3, BORN_BEFORE_SETSID, 1 },	  { 4, 3, 4, BORN_BEFORE_SETSID, 1 },
		{ 5, 4, 1, BORN_BEFORE_SETSID, 1 },	  { 6, 2, 6, BORN_AFTER_SETSID, 2 },
	};

	CHECK(rows);
}

static void elsewhere(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ 1, 0, 1, BORN_AFTER_SETSID, SID_OURS },
		{ 2, 1, 2, BORN_AFTER_SETSID, 1 },
		{ 3, 1, 2, BORN_ELSEWHERE, 2 },
		{ 4, 1, 9, BORN_ELSEWHERE, 9 }, /* the leader is no more */
		{ 5, 4, 9, BORN_AFTER_SETSID, 9 },
		{ 6, 1, 6, BORN_AFTER_SETSID, 1 }, /* it can't serve what is below it */
		{ 7, 6, 2, BORN_ELSEWHERE, 2 },
	};

	CHECK(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inherited),
		cmocka_unit_test(outside),
		cmocka_unit_test(chain),
		cmocka_unit_test(elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
