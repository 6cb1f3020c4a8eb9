/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of core images that tell what a task or thread is besides its memory and registers. Each function
 * makes one message from /proc, from system calls about another task, and from what the parasite asked inside.
 * Messages are freed with their NAME__free_unpacked(msg, NULL). 0 or -errno, explained where there is more to say.
 */
#ifndef CRIU_TASK_CORE_DUMP_H
#define CRIU_TASK_CORE_DUMP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "core.pb-c.h"
#include "pie/parasite.h"
#include "proc/stat.h"

/* PROCFD is of /proc/PID or /proc/PID/task/TID; SECUREBITS as prctl(PR_GET_SECUREBITS) in the thread itself. */
int creds_dump(struct cr_ctx *ctx, int procfd, uint32_t securebits, CredsEntry **ret);

/* Policy, priority and nice value of TID: sched_getattr(2). -EOPNOTSUPP for a policy that is not known. */
int sched_dump(struct cr_ctx *ctx, pid_t tid, ThreadCoreEntry *core);

int rlimits_dump(struct cr_ctx *ctx, int procfd, TaskRlimitsEntry **ret);
/* ITIMERS as the parasite got them: real, virtual, profiling. */
int itimers_dump(const struct parasite_itimer itimers[3], TaskTimersEntry **ret);
/* All but SIGKILL's and SIGSTOP's, in the order of their numbers; sets core->sigactions. */
int sigactions_dump(const struct parasite_sigaction *actions, TaskCoreEntry *core);
/* The queued signals of a stopped thread (SHARED: of its process) with their siginfo: PTRACE_PEEKSIGINFO. */
int pending_signals_dump(struct cr_ctx *ctx, pid_t tid, bool shared, SignalQueueEntry **ret);
/* loginuid, oom_score_adj, personality, child_subreaper. */
int task_values_dump(struct cr_ctx *ctx, int procfd, const struct parasite_task *inside, TaskCoreEntry *core);

#endif
