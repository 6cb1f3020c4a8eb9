/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process tree, as pstree.img holds it: what dump collects and restore builds.
 */
#ifndef CRIU_TASK_TASK_H
#define CRIU_TASK_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"

/* The values of task_core_entry.task_state in core images, those of CRIU 4.2. */
enum task_state {
	TASK_ALIVE = 1,
	TASK_DEAD = 2,	  /* a zombie: only its exit code is left */
	TASK_STOPPED = 3, /* by SIGSTOP or another stop signal */
	TASK_HELPER = 4,  /* restore only: stands in for a dead session or group leader, then exits */
};

/* When its parent creates a task: task/birth.h. */
enum born_when {
	BORN_BEFORE_SETSID, /* before the parent becomes a session leader itself, if it does */
	BORN_AFTER_SETSID,
	BORN_ELSEWHERE, /* the parent never is in the session: somebody below it creates the task */
};

struct task_thread {
	pid_t tid;
};

struct dump_task;    /* dump/ */
struct restore_task; /* restore/ */

struct task {
	struct list_head node;	   /* in task_tree.tasks, parents before children */
	struct list_head children; /* of siblings */
	struct list_head sibling;
	struct task *parent; /* NULL: the root */
	pid_t pid, ppid, pgid, sid;
	enum task_state state;
	enum born_when born; /* set by births_plan(), as is: */
	pid_t born_in;	     /* a session */
	size_t nr_threads;
	struct task_thread *threads;  /* [0] is the leader; owned */
	struct dump_task *dump;	      /* owned by dump/ */
	struct restore_task *restore; /* owned by restore/ */
};

struct task_tree {
	struct list_head tasks;
	struct task *root;
	size_t nr_tasks;
	size_t nr_threads; /* of all tasks */
};

#define for_each_task(tree, task) list_for_each_entry (task, &(tree)->tasks, node)

/* An empty tree. */
void task_tree_init(struct task_tree *tree);
/* Appends a new task below PARENT (NULL for the root) with room for NR_THREADS (>= 1) ids. -ENOMEM. */
int task_tree_add(struct task_tree *tree, struct task *parent, pid_t pid, size_t nr_threads, struct task **ret);
struct task *task_tree_find(const struct task_tree *tree, pid_t pid);
/* Frees tasks and their thread arrays (dump and restore pointers must have been freed before). */
void task_tree_free(struct task_tree *tree);

#endif
