/* SPDX-License-Identifier: GPL-2.0 */
/* The process tree. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "task/task.h"

static void tasks_are_found_and_freed(void **state)
{
	struct task_tree tree;
	struct task *root, *child, *task;
	pid_t pids[3];
	size_t nr = 0;

	task_tree_init(&tree);
	assert_null(task_tree_find(&tree, 1));
	assert_int_equal(task_tree_add(&tree, NULL, 10, 3, &root), 0);
	assert_int_equal(task_tree_add(&tree, root, 11, 1, &child), 0);
	assert_int_equal(task_tree_add(&tree, child, 12, 2, &task), 0);
	assert_ptr_equal(tree.root, root);
	assert_int_equal(tree.nr_tasks, 3);
	assert_int_equal(tree.nr_threads, 6);
	assert_int_equal(root->threads[0].tid, 10);
	assert_int_equal(child->ppid, 10);
	assert_ptr_equal(task->parent, child);
	assert_ptr_equal(task_tree_find(&tree, 12), task);
	assert_null(task_tree_find(&tree, 13));
	for_each_task (&tree, task)
		pids[nr++] = task->pid;
	assert_int_equal(nr, 3);
	assert_true(pids[0] == 10 && pids[1] == 11 && pids[2] == 12);
	assert_false(list_empty(&root->children));
	assert_true(list_entry(root->children.next, struct task, sibling) == child);
	task_tree_free(&tree);
	assert_true(list_empty(&tree.tasks));
	assert_int_equal(tree.nr_tasks, 0);
	task_tree_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_are_found_and_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
