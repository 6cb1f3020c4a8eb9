/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When each process of a tree has to be created so that it comes into its session: setsid(2), credentials(7). A session
 * is inherited or made, never joined, so who creates a process is in its session at that moment, or, if it makes one of
 * its own, in the session that its first children need.
 */
#ifndef CRIU_TASK_BIRTH_H
#define CRIU_TASK_BIRTH_H

#include "task/task.h"

/* The session that a restore is in, whatever its number was where the images were made. */
#define SID_OURS 0

static inline bool leads_session(const struct task *t)
{
	return t->sid == t->pid;
}

/* Is T's session none of the tree's: the one that the root was born in, or unknown (0)? */
bool in_outside_session(const struct task_tree *tree, const struct task *t);

/* Sets BORN of all tasks of TREE, in which parents stand before children. */
void births_plan(const struct task_tree *tree);

#endif
