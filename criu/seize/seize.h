/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Holding a process tree still, and running the parasite in it. See ptrace(2), PTRACE_SEIZE.
 */
#ifndef CRIU_SEIZE_SEIZE_H
#define CRIU_SEIZE_SEIZE_H

#include <compel/compel.h>

#include "base/error.h"
#include "pie/parasite.h"
#include "proc/stat.h"
#include "task/task.h"

struct dump_state; /* dump/ */

/* A task that the dump holds: what stands behind task.dump. */
struct dump_task {
	struct task *task;
	int procfd, pidfd;
	struct proc_stat stat;		  /* as it was when it was stopped */
	struct compel_thread *threads;	  /* parallel to task->threads; NULL for a zombie */
	int stop_signal;		  /* of a TASK_STOPPED one */
	int unread_stop;		  /* the same if its parent hasn't waited for the stop yet, else 0 */
	struct compel_blob_ctl *parasite; /* NULL when there is none in it */
	struct dump_state *state;	  /* dump/ owns and frees it before seize_release() */
};

struct seize_args {
	struct cr_ctx *ctx;
	pid_t root;
	unsigned timeout_s;
};

/*
 * Stops every thread of ROOT and of all its descendants and fills TREE (which must be empty): parents before children,
 * the tree as it is once nothing in it can change any more. Zombies are recorded without being traced.
 * -ESRCH: no such process; -ETIMEDOUT; -EINTR: cancelled; -EPERM or -EBUSY: a task is traced by another. After an error
 * seize_release() gives back what had been stopped.
 */
int seize_tree(const struct seize_args *args, struct task_tree *tree);

/*
 * Takes the parasite out of a task and puts its threads' registers and signal masks back; the task stays stopped.
 * Does nothing where there is none. 0 or -errno.
 */
int seize_cure(struct cr_ctx *ctx, struct task *task);

enum seize_end {
	SEIZE_END_RUN,	/* go on as before: stopped tasks stay stopped */
	SEIZE_END_STOP, /* all are left stopped by SIGSTOP */
	SEIZE_END_KILL, /* killed, and gone when the function returns */
};

/* Ends the hold on all tasks in the way END says, and frees everything behind task.dump and the tree. */
void seize_release(struct cr_ctx *ctx, struct task_tree *tree, enum seize_end end);

/* Puts the parasite into the task. Its pages must have been listed before: it maps memory of its own. */
int parasite_inject(struct cr_ctx *ctx, struct task *task);
/* Runs a command in thread N of the task. 0, or the negative errno that the command or its run gave. */
int parasite_run(struct cr_ctx *ctx, struct task *task, size_t thread, enum parasite_cmd cmd);
/* The argument area that the next command reads and the last one has written. */
union parasite_args *parasite_args(struct task *task);

#endif
