/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who forks whom, and when, so that every process comes into its parent, session and process group:
 * credentials(7), setsid(2), setpgid(2). A session is inherited or made, never joined, so a task has to be
 * forked by someone who is in it at that moment. Where that is not its parent, the task is an orphan: forked
 * elsewhere below its parent, it comes to it when that process ends (PR_SET_CHILD_SUBREAPER).
 */
#ifndef CRIU_RESTORE_TREE_PLAN_H
#define CRIU_RESTORE_TREE_PLAN_H

#include "restore/engine.h"

/*
 * Plans R->tree: sets creator, when, to_fork, orphan, adopts, outside_*, and what is shared with whom, of every task,
 * and adds helpers for leaders of sessions and process groups that are no more. With OPTS->shell_job tasks of a session
 * outside of the set come into ours. 0; -EINVAL for a tree that can't be; -EOPNOTSUPP by name.
 */
int tree_plan(struct restore *r);

#endif
