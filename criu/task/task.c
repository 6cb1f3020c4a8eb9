/* SPDX-License-Identifier: GPL-2.0 */
#include "task/task.h"

#include "base/cleanup.h"

void task_tree_init(struct task_tree *tree)
{
	*tree = (struct task_tree){ 0 };
	list_init(&tree->tasks);
}

int task_tree_add(struct task_tree *tree, struct task *parent, pid_t pid, size_t nr_threads, struct task **ret)
{
	_cleanup_free_ struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return -ENOMEM;
	task->threads = calloc(nr_threads, sizeof(*task->threads));
	if (!task->threads)
		return -ENOMEM;
	task->threads[0].tid = pid;
	task->nr_threads = nr_threads;
	task->pid = pid;
	task->state = TASK_ALIVE;
	task->parent = parent;
	list_init(&task->children);
	list_init(&task->sibling);
	if (parent) {
		task->ppid = parent->pid;
		list_append(&parent->children, &task->sibling);
	} else {
		tree->root = task;
	}
	list_append(&tree->tasks, &task->node);
	tree->nr_tasks++;
	tree->nr_threads += nr_threads;
	*ret = take_ptr(task);
	return 0;
}

struct task *task_tree_find(const struct task_tree *tree, pid_t pid)
{
	struct task *task;

	for_each_task (tree, task)
		if (task->pid == pid)
			return task;
	return NULL;
}

void task_tree_free(struct task_tree *tree)
{
	struct task *task, *after;

	list_for_each_entry_safe (task, after, &tree->tasks, node) {
		list_remove(&task->node);
		free(task->threads);
		free(task);
	}
	task_tree_init(tree);
}
