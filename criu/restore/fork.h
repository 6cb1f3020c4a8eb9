/* SPDX-License-Identifier: GPL-2.0 */
/* Creating the processes, each by its creator, with its recorded pid: clone3(2), set_tid. */
#ifndef CRIU_RESTORE_FORK_H
#define CRIU_RESTORE_FORK_H

#include "restore/engine.h"

/*
 * In the engine: creates the root task, traced and dying with us from its first own step on. 0 or -errno;
 * -EEXIST: its pid is in use.
 */
int fork_root(struct restore *r);

/* In a task: the processes that RT creates before (or after) it has its own session. 0 or -errno, explained. */
int fork_children(struct restore *r, struct restore_task *rt, enum born_when when);

/* Sets up session and group, waits for all others, ends helpers and zombies, reaps what was only helping. */
int join_tree(struct restore *r, struct restore_task *rt);

/* In a task: waits until everyone has come to the barrier. */
void barrier_wait(struct restore *r, struct restore_task *rt, struct restore_barrier *b);
/* Between birth and the first own step: nothing of the engine's that could disturb. */
void become_task(struct restore *r, struct restore_task *rt);
/* Lines in the log begin with its pid. */
void task_set_prefix(struct restore *r, const struct restore_task *rt);
/* Says how far the task has come; fails where CRIU_FAULT_PHASE wants it. */
int task_stage(struct restore *r, struct restore_task *rt, enum restore_stage stage);

#endif
