/* SPDX-License-Identifier: GPL-2.0 */
/* Who forks whom: planned on trees that are written down. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/image.h"
#include "restore/read.h"
#include "restore/tree_plan.h"

struct row {
	pid_t pid, ppid, pgid, sid;
};

struct fixture {
	struct restore r;
	struct cr_opts opts;
	struct cr_error error;
};

static void add(struct restore *r, const struct row *row)
{
	struct task *parent = row->ppid ? task_tree_find(&r->tree, row->ppid) : NULL, *t;
	struct restore_task *rt = calloc(1, sizeof(*rt));

	assert_int_equal(task_tree_add(&r->tree, parent, row->pid, 1, &t), 0);
	t->pgid = row->pgid;
	t->sid = row->sid;
	t->restore = rt;
	rt->task = t;
	rt->ids = malloc(sizeof(*rt->ids));
	task_kobj_ids_entry__init(rt->ids);
	rt->ids->vm_id = rt->ids->sighand_id = rt->ids->files_id = rt->ids->fs_id = row->pid;
	t->state = TASK_ALIVE;
	list_init(&rt->to_fork);
	list_init(&rt->fork_node);
}

/* Of an image with this entry; NULL: without one. */
static void read_attributes(struct fixture *f, AttributesEntry *e)
{
	char path[] = "/tmp/test_tree_plan.XXXXXX";
	struct image *img = NULL;
	int dir;

	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e) {
		assert_int_equal(image_create(dir, IMG_ATTRIBUTES, &img), 0);
		assert_int_equal(image_write(img, &e->base), 0);
		assert_int_equal(image_close(&img), 0);
	}
	attributes_free(&f->r.attributes);
	assert_int_equal(attributes_read(&f->r.ctx, dir, &f->r.tree, &f->r.attributes), 0);
	unlinkat(dir, "attributes.img", 0);
	close(dir);
	rmdir(path);
}

static void begin(struct fixture *f, const struct row *rows, size_t nr)
{
	*f = (struct fixture){ 0 };
	f->r.ctx = (struct cr_ctx){ NULL, &f->error };
	f->r.opts = &f->opts;
	task_tree_init(&f->r.tree);
	for (size_t i = 0; i < nr; i++)
		add(&f->r, &rows[i]);
	read_attributes(f, NULL);
}

static struct restore_task *get(struct fixture *f, pid_t pid)
{
	struct task *t = task_tree_find(&f->r.tree, pid);

	assert_non_null(t);
	return t->restore;
}

static void creator_is(struct fixture *f, pid_t pid, pid_t creator, enum born_when when)
{
	assert_int_equal(get(f, pid)->creator->task->pid, creator);
	assert_int_equal(get(f, pid)->when, when);
}

#define BEGIN(f, rows) begin(f, rows, sizeof(rows) / sizeof(rows[0]))

static void test_plain(void **state __unused_arg)
{
	static const struct row rows[] = { { 10, 0, 10, 10 }, { 11, 10, 10, 10 }, { 12, 10, 12, 12 } };
	struct fixture f;

	BEGIN(&f, rows);
	assert_int_equal(tree_plan(&f.r), 0);
	creator_is(&f, 11, 10, BORN_AFTER_SETSID);
	creator_is(&f, 12, 10, BORN_AFTER_SETSID);
	assert_int_equal(f.r.tree.nr_tasks, 3);
	restore_free_tree(&f.r);
}

/* A child that its parent had before it made its session. */
static void test_before_setsid(void **state __unused_arg)
{
	static const struct row rows[] = {
		{ 1, 0, 1, 1 }, { 5, 1, 5, 5 }, { 6, 5, 1, 1 }, { 7, 5, 7, 7 }, { 8, 7, 8, 8 }, { 9, 8, 5, 5 },
	};
	struct fixture f;

	BEGIN(&f, rows);
	assert_int_equal(tree_plan(&f.r), 0);
	creator_is(&f, 6, 5, BORN_BEFORE_SETSID);
	creator_is(&f, 7, 5, BORN_AFTER_SETSID);
	creator_is(&f, 8, 7, BORN_BEFORE_SETSID);
	creator_is(&f, 9, 8, BORN_BEFORE_SETSID);
	restore_free_tree(&f.r);
}

static void test_orphans(void **state __unused_arg)
{
	static const struct row rows[] = { { 1, 0, 1, 1 }, { 7, 1, 5, 5 }, { 11, 1, 10, 10 }, { 5, 1, 5, 5 } };
	struct fixture f;

	BEGIN(&f, rows);
	assert_int_equal(tree_plan(&f.r), 0);
	creator_is(&f, 7, 5, BORN_AFTER_SETSID);
	assert_true(get(&f, 7)->orphan);
	/* The leader of 10 is no more. */
	creator_is(&f, 11, 10, BORN_AFTER_SETSID);
	assert_false(get(&f, 11)->orphan);
	assert_int_equal(get(&f, 10)->task->state, TASK_HELPER);
	creator_is(&f, 10, 1, BORN_AFTER_SETSID);
	assert_true(get(&f, 1)->adopts);
	restore_free_tree(&f.r);
}

/* The kernel gives SIGCHLD to those that come to another parent. */
static void test_exit_signal(void **state __unused_arg)
{
	static const struct row rows[] = { { 1, 0, 1, 1 }, { 7, 1, 5, 5 }, { 5, 1, 5, 5 } };
	AttributesEntry e = ATTRIBUTES_ENTRY__INIT;
	struct fixture f;

	e.has_exit_signal = true;
	e.tid = 7;
	BEGIN(&f, rows);
	read_attributes(&f, &e);
	assert_int_equal(tree_plan(&f.r), -EOPNOTSUPP);
	assert_non_null(strstr(f.error.text, "Task 7 has an exit signal"));
	restore_free_tree(&f.r);
	e.tid = 5;
	BEGIN(&f, rows);
	read_attributes(&f, &e);
	assert_int_equal(tree_plan(&f.r), 0);
	restore_free_tree(&f.r);
}

static void test_dead_group_leader(void **state __unused_arg)
{
	static const struct row rows[] = { { 1, 0, 1, 1 }, { 2, 1, 3, 1 }, { 4, 1, 3, 1 } };
	struct fixture f;

	BEGIN(&f, rows);
	assert_int_equal(tree_plan(&f.r), 0);
	assert_int_equal(f.r.tree.nr_tasks, 4);
	creator_is(&f, 3, 2, BORN_AFTER_SETSID);
	restore_free_tree(&f.r);
}

static void test_shell_job(void **state __unused_arg)
{
	static const struct row rows[] = { { 10, 0, 9, 8 }, { 11, 10, 11, 8 } };
	struct fixture f;

	BEGIN(&f, rows);
	assert_int_equal(tree_plan(&f.r), -EINVAL);
	assert_non_null(strstr(f.error.text, "--shell-job"));
	restore_free_tree(&f.r);
	BEGIN(&f, rows);
	f.opts.shell_job = true;
	assert_int_equal(tree_plan(&f.r), 0);
	assert_true(get(&f, 10)->outside_sid);
	assert_true(get(&f, 10)->outside_pgid);
	assert_true(get(&f, 11)->outside_sid);
	assert_false(get(&f, 11)->outside_pgid);
	restore_free_tree(&f.r);
}

static void test_impossible(void **state __unused_arg)
{
	/* A leader without a group of its own, and a group of another session. */
	static const struct row leader[] = { { 1, 0, 1, 1 }, { 2, 1, 1, 2 } };
	static const struct row group[] = { { 1, 0, 1, 1 }, { 2, 1, 2, 2 }, { 3, 2, 1, 2 } };
	/* The session's leader is no task below the parent. */
	static const struct row far[] = { { 1, 0, 1, 1 }, { 2, 1, 2, 2 }, { 3, 1, 3, 3 }, { 4, 3, 2, 2 } };
	struct fixture f;

	BEGIN(&f, leader);
	assert_int_equal(tree_plan(&f.r), -EINVAL);
	restore_free_tree(&f.r);
	BEGIN(&f, group);
	assert_int_equal(tree_plan(&f.r), -EINVAL);
	restore_free_tree(&f.r);
	BEGIN(&f, far);
	assert_int_equal(tree_plan(&f.r), -EOPNOTSUPP);
	restore_free_tree(&f.r);
}

static void test_shared_tables(void **state __unused_arg)
{
	static const struct row rows[] = { { 1, 0, 1, 1 }, { 2, 1, 2, 2 }, { 3, 1, 1, 1 }, { 4, 2, 2, 2 } };
	struct fixture f;

	BEGIN(&f, rows);
	get(&f, 2)->ids->files_id = 1;
	get(&f, 3)->ids->fs_id = 2;
	assert_int_equal(tree_plan(&f.r), 0);
	assert_int_equal(get(&f, 2)->clone_flags, CLONE_FILES);
	assert_ptr_equal(get(&f, 2)->owner[SHARE_FILES], get(&f, 1));
	assert_ptr_equal(get(&f, 2)->owner[SHARE_FS], get(&f, 2));
	/* Its sibling makes it before it makes a session. */
	creator_is(&f, 3, 2, BORN_BEFORE_SETSID);
	assert_true(get(&f, 3)->by_sibling);
	assert_true(list_empty(&get(&f, 3)->to_fork));
	assert_int_equal(get(&f, 3)->clone_flags, CLONE_FS);
	assert_true(f.r.any_shared[SHARE_FILES]);
	assert_false(f.r.any_shared[SHARE_VM]);
	restore_free_tree(&f.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	      cmocka_unit_test(test_before_setsid),
		cmocka_unit_test(test_orphans),	      cmocka_unit_test(test_dead_group_leader),
		cmocka_unit_test(test_shell_job),     cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_shared_tables), cmocka_unit_test(test_exit_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
