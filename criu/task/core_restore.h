/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of validated core images, as the restorer wants them (pie/plan.h). Nothing is allocated: pointers in the
 * result point into the messages.
 */
#ifndef CRIU_TASK_CORE_RESTORE_H
#define CRIU_TASK_CORE_RESTORE_H

#include <sys/types.h>

#include "attributes.pb-c.h"
#include "base/error.h"
#include "core.pb-c.h"
#include "pie/plan.h"

/* What the engine has itself, and so every task that it creates. Free GROUPS. */
struct own_creds {
	struct plan_creds creds; /* change: unused */
	uint32_t *groups;
};
int own_creds_read(struct cr_ctx *ctx, struct own_creds *ret);

/* ret->groups points into E; ret->change tells whether OWN differs. */
void creds_to_plan(const CredsEntry *e, const struct own_creds *own, struct plan_creds *ret);

/* By signal number; those of SIGKILL and SIGSTOP are left zero. */
void sigactions_to_plan(const TaskCoreEntry *tc, struct plan_sigaction ret[PLAN_NSIG]);
/* Copies QUEUE (may be NULL) to RET, which has room for signals_count(QUEUE). */
size_t signals_count(const SignalQueueEntry *queue);
/* Takes SIGSTOP out of QUEUE (may be NULL); whether it was there. */
bool signals_take_stop(SignalQueueEntry *queue);
void signals_to_plan(const SignalQueueEntry *queue, struct plan_siginfo *ret);

void itimers_to_plan(const TaskTimersEntry *timers, struct plan_itimer ret[3]);
/* The number of limits. */
uint32_t rlimits_to_plan(const TaskRlimitsEntry *e, struct plan_rlimit ret[PLAN_NR_RLIMITS]);

/* From outside: policy, priority, nice value and TIMES (NULL: the default) of thread TID. 0 or -errno, explained. */
int sched_restore(struct cr_ctx *ctx, pid_t tid, const ThreadCoreEntry *e, const SchedTimes *times);

/* In the task itself, while /proc is reachable: oom_score_adj, loginuid. 0 or -errno, explained. */
int proc_values_restore(struct cr_ctx *ctx, pid_t pid, const TaskCoreEntry *tc);

#endif
