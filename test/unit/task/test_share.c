/* SPDX-License-Identifier: GPL-2.0 */
/* How processes are brought to share things: planned on trees that are written down. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>

#include "base/cleanup.h"
#include "task/share.h"

#define MAX_NODES 8

/* Things are letters: equal ones are shared. */
struct row {
	int parent; /* index, -1: the root */
	char vm, sighand, files, fs;
};

static struct share_node nodes[MAX_NODES];
static struct share_conflict conflict;

static int plan(const struct row *rows, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		nodes[i] = (struct share_node){
			.pid = 100 + i,
			.lives = true,
			.movable = rows[i].parent >= 0,
			.id = { rows[i].vm, rows[i].sighand, rows[i].files, rows[i].fs },
			.parent = rows[i].parent < 0 ? SHARE_NOBODY : (size_t)rows[i].parent,
		};
		nodes[i].creator = nodes[i].parent;
	}
	return share_plan(nodes, nr, &conflict);
}

#define PLAN(rows) plan(rows, sizeof(rows) / sizeof(rows[0]))

static void node_is(size_t i, size_t creator, uint64_t clone_flags, uint64_t unshare_flags)
{
	assert_int_equal(nodes[i].creator, creator);
	assert_int_equal(nodes[i].by_sibling, nodes[i].creator != nodes[i].parent);
	assert_int_equal(nodes[i].clone_flags, clone_flags);
	assert_int_equal(nodes[i].unshare_flags, unshare_flags);
}

static void test_nothing(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ -1, 'a', 'a', 'a', 'a' },
		{ 0, 'b', 'b', 'b', 'b' },
		{ 0, 'c', 'c', 'c', 'c' },
	};

	assert_int_equal(PLAN(rows), 0);
	node_is(1, 0, 0, 0);
	node_is(2, 0, 0, 0);
	assert_int_equal(nodes[2].first[SHARE_FILES], 2);
}

static void test_child(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ -1, 'a', 'a', 'a', 'a' },
		{ 0, 'b', 'b', 'a', 'b' },
		{ 1, 'c', 'c', 'a', 'b' },
	};

	assert_int_equal(PLAN(rows), 0);
	node_is(0, SHARE_NOBODY, 0, 0);
	node_is(1, 0, CLONE_FILES, 0);
	node_is(2, 1, CLONE_FILES | CLONE_FS, 0);
	assert_int_equal(nodes[2].first[SHARE_FILES], 0);
	assert_int_equal(nodes[2].first[SHARE_FS], 1);
}

/* The one in between passes it on and leaves it then. */
static void test_grandchild(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ -1, 'a', 'a', 'a', 'a' },
		{ 0, 'b', 'b', 'b', 'b' },
		{ 1, 'c', 'c', 'a', 'c' },
	};

	assert_int_equal(PLAN(rows), 0);
	node_is(1, 0, CLONE_FILES, CLONE_FILES);
	node_is(2, 1, CLONE_FILES, 0);
}

static void test_siblings(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ -1, 'a', 'a', 'a', 'a' }, { 0, 'b', 'b', 'b', 'b' }, { 0, 'c', 'c', 'c', 'c' },
		{ 0, 'd', 'd', 'b', 'c' },  { 0, 'b', 'b', 'e', 'e' },
	};

	assert_int_equal(PLAN(rows), 0);
	/* The directories come by way of the first one, not by the parent. */
	node_is(3, 1, CLONE_FILES | CLONE_FS, 0);
	node_is(2, 1, CLONE_FS, 0);
	node_is(1, 0, 0, CLONE_FS);
	node_is(0, SHARE_NOBODY, 0, 0);
	node_is(4, 1, CLONE_VM | CLONE_SIGHAND, 0);
}

static void test_nephew(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ -1, 'a', 'a', 'a', 'a' }, { 0, 'b', 'b', 'b', 'b' }, { 0, 'c', 'c', 'c', 'c' },
		{ 2, 'd', 'd', 'b', 'd' },  { 0, 'e', 'e', 'a', 'e' },
	};

	assert_int_equal(PLAN(rows), 0);
	node_is(2, 1, CLONE_FILES, CLONE_FILES);
	node_is(3, 2, CLONE_FILES, 0);
	node_is(4, 0, CLONE_FILES, 0);
}

static void test_moment(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ -1, 'a', 'a', 'a', 'a' },
		{ 0, 'b', 'b', 'b', 'b' },
		{ 0, 'b', 'c', 'c', 'c' },
	};

	assert_int_equal(PLAN(rows), 0);
	node_is(2, 1, CLONE_VM, 0);
	/* Created at other moments they are in other sessions. */
	nodes[2] = (struct share_node){
		.pid = 102, .lives = true, .movable = true, .moment = 1, .id = { 'b', 'c', 'c', 'c' }
	};
	nodes[1].clone_flags = 0;
	assert_int_equal(share_plan(nodes, 3, &conflict), -EOPNOTSUPP);
	assert_int_equal(conflict.pid, 102);
	assert_int_equal(conflict.other, 101);
	assert_int_equal(conflict.kind, SHARE_VM);
}

/* A sibling could only pass on its own. */
static void test_exit_signal(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ -1, 'a', 'a', 'a', 'a' },
		{ 0, 'b', 'b', 'b', 'b' },
		{ 0, 'b', 'c', 'c', 'c' },
	};

	assert_int_equal(PLAN(rows), 0);
	for (int i = 1; i < 3; i++) {
		nodes[i].by_sibling = false;
		nodes[i].creator = nodes[i].parent;
		nodes[i].clone_flags = 0;
		nodes[i].exit_signal = 10;
	}
	assert_int_equal(share_plan(nodes, 3, &conflict), 0);
	node_is(2, 1, CLONE_VM, 0);
	nodes[2].by_sibling = false;
	nodes[2].creator = nodes[2].parent;
	nodes[2].clone_flags = 0;
	nodes[2].exit_signal = 0;
	assert_int_equal(share_plan(nodes, 3, &conflict), -EOPNOTSUPP);
	assert_int_equal(conflict.pid, 102);
}

static void test_impossible(void **state __unused_arg)
{
	static const struct row crossed[] = {
		{ -1, 'a', 'a', 'a', 'a' },
		{ 0, 'b', 'b', 'b', 'b' },
		{ 1, 'c', 'c', 'a', 'c' },
		{ 1, 'd', 'd', 'b', 'd' },
	};
	/* Memory can't be passed on by one that has another. */
	static const struct row memory[] = {
		{ -1, 'a', 'a', 'a', 'a' },
		{ 0, 'b', 'b', 'b', 'b' },
		{ 1, 'a', 'c', 'c', 'c' },
	};
	static const struct row handlers[] = { { -1, 'a', 'a', 'a', 'a' }, { 0, 'b', 'a', 'b', 'b' } };

	assert_int_equal(PLAN(crossed), -EOPNOTSUPP);
	assert_int_equal(conflict.kind, SHARE_FILES);
	assert_int_equal(PLAN(memory), -EOPNOTSUPP);
	assert_int_equal(conflict.kind, SHARE_VM);
	assert_int_equal(conflict.pid, 102);
	assert_int_equal(PLAN(handlers), -EINVAL);
	assert_int_equal(conflict.kind, SHARE_SIGHAND);
}

/* Helpers and zombies share nothing in the end, and ids of theirs mean nothing. */
static void test_dead(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ -1, 'a', 'a', 'a', 'a' },
		{ 0, 'a', 'a', 'a', 'a' },
		{ 1, 'c', 'c', 'a', 'c' },
	};

	assert_int_equal(PLAN(rows), 0);
	nodes[1].lives = false;
	for (int i = 0; i < 3; i++)
		nodes[i].clone_flags = nodes[i].unshare_flags = 0;
	assert_int_equal(share_plan(nodes, 3, &conflict), 0);
	node_is(1, 0, CLONE_FILES, 0);
	node_is(2, 1, CLONE_FILES, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	   cmocka_unit_test(test_child),  cmocka_unit_test(test_grandchild),
		cmocka_unit_test(test_siblings),   cmocka_unit_test(test_nephew), cmocka_unit_test(test_moment),
		cmocka_unit_test(test_impossible), cmocka_unit_test(test_dead),	  cmocka_unit_test(test_exit_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
