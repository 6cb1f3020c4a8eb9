/* SPDX-License-Identifier: GPL-2.0 */
/* Checks of core images: what is damaged is refused, and what isn't supported is refused by name. */
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "restore/read.h"
#include "task/core_regs.h"

/* As many as sigaction(2) can set: all but SIGKILL's and SIGSTOP's. */
#define NR_SIGACTIONS	 (PLAN_NSIG - 2)
#define MAX_GROUPS	 65536
#define MAX_SIGNALS	 65536
#define PERSONALITY_TYPE 0xffu

static int damaged(struct cr_ctx *ctx, pid_t tid, const char *what)
{
	return cr_fail(ctx, -EINVAL, "core-%d.img is damaged: %s", tid, what);
}

static int unsupported(struct cr_ctx *ctx, pid_t tid, const char *what)
{
	return cr_fail(ctx, -EOPNOTSUPP, "Task %d: %s not supported", tid, what);
}

static int check_signals(struct cr_ctx *ctx, pid_t tid, const SignalQueueEntry *queue)
{
	if (!queue)
		return 0;
	if (queue->n_signals > MAX_SIGNALS)
		return damaged(ctx, tid, "too many pending signals");
	for (size_t i = 0; i < queue->n_signals; i++) {
		const ProtobufCBinaryData *info = &queue->signals[i]->siginfo;
		int32_t signo;

		if (info->len != sizeof(siginfo_t))
			return damaged(ctx, tid, "the size of a pending signal");
		memcpy(&signo, info->data, sizeof(signo));
		if (signo < 1 || signo > PLAN_NSIG || signo == SIGKILL)
			return damaged(ctx, tid, "the number of a pending signal");
	}
	return 0;
}

static int check_creds(struct cr_ctx *ctx, pid_t tid, const CredsEntry *c)
{
	if (c->n_cap_inh > PLAN_CAP_WORDS || c->n_cap_prm > PLAN_CAP_WORDS || c->n_cap_eff > PLAN_CAP_WORDS ||
	    c->n_cap_bnd > PLAN_CAP_WORDS || c->n_cap_amb > PLAN_CAP_WORDS)
		return damaged(ctx, tid, "the size of a capability set");
	if (c->n_groups > MAX_GROUPS)
		return damaged(ctx, tid, "the number of groups");
	if (c->lsm_profile && *c->lsm_profile && strcmp(c->lsm_profile, "unconfined"))
		return unsupported(ctx, tid, "a security label is");
	if (c->lsm_sockcreate && *c->lsm_sockcreate)
		return unsupported(ctx, tid, "a security label for sockets is");
	return 0;
}

static int check_sched(struct cr_ctx *ctx, pid_t tid, const ThreadCoreEntry *th)
{
	if (th->has_sched_policy)
		switch (th->sched_policy & ~SCHED_RESET_ON_FORK) {
		case SCHED_OTHER:
		case SCHED_FIFO:
		case SCHED_RR:
		case SCHED_BATCH:
		case SCHED_IDLE:
		case SCHED_DEADLINE:
			break;
		default:
			return unsupported(ctx, tid, "its scheduling policy is");
		}
	if (th->has_sched_nice && (th->sched_nice < -20 || th->sched_nice > 19))
		return damaged(ctx, tid, "the nice value");
	if (th->has_sched_prio && th->sched_prio > 99)
		return damaged(ctx, tid, "the priority");
	return 0;
}

static int check_thread(struct cr_ctx *ctx, pid_t tid, const CoreEntry *core)
{
	const ThreadCoreEntry *th = core->thread_core;
	struct user_regs_struct regs;
	int err;

	if (!core->thread_info || !th)
		return damaged(ctx, tid, "it has no registers");
	err = core_regs_from_entry(core->thread_info->gpregs, &regs);
	if (err)
		return cr_fail_errno(ctx, err, "Registers in core-%d.img", tid);
	if (!th->creds)
		return damaged(ctx, tid, "it has no credentials");
	if (th->comm && strlen(th->comm) >= PLAN_COMM_LEN)
		return damaged(ctx, tid, "the name is too long");
	if (th->has_pdeath_sig && th->pdeath_sig > PLAN_NSIG)
		return damaged(ctx, tid, "the parent-death signal");
	err = check_creds(ctx, tid, th->creds);
	if (!err)
		err = check_sched(ctx, tid, th);
	return err ?: check_signals(ctx, tid, th->signals_p);
}

static int check_itimer(const ItimerEntry *it)
{
	return it && it->isec <= INT64_MAX && it->vsec <= INT64_MAX && it->iusec < 1000000 && it->vusec < 1000000;
}

/* As wait(2) gives it, of one that exited or that a signal ended. */
static bool ends_so(uint32_t status)
{
	uint32_t sig = status & 0x7f;

	if (!sig)
		return !(status & ~0xff00u);
	switch (sig) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return false;
	default:
		return sig <= PLAN_NSIG && !(status & ~0xffu);
	}
}

static int check_task(struct cr_ctx *ctx, pid_t pid, const TaskCoreEntry *tc)
{
	if (tc->task_state == TASK_DEAD)
		return ends_so(tc->exit_code) ? 0 : damaged(ctx, pid, "the exit code");
	if (tc->task_state != TASK_ALIVE && tc->task_state != TASK_STOPPED)
		return damaged(ctx, pid, "the state of the task");
	if (strlen(tc->comm) >= PLAN_COMM_LEN)
		return damaged(ctx, pid, "the name is too long");
	if (tc->n_sigactions != NR_SIGACTIONS)
		return damaged(ctx, pid, "the number of signal actions");
	for (size_t i = 0; i < tc->n_sigactions; i++)
		if (tc->sigactions[i]->compat_sigaction)
			return unsupported(ctx, pid, "32-bit signal handlers are");
	if (tc->rlimits && tc->rlimits->n_rlimits > PLAN_NR_RLIMITS)
		return damaged(ctx, pid, "the number of limits");
	if (tc->personality & PERSONALITY_TYPE)
		return unsupported(ctx, pid, "its personality (execution domain) is");
	if (tc->timers) {
		if (!check_itimer(tc->timers->real) || !check_itimer(tc->timers->virt) ||
		    !check_itimer(tc->timers->prof))
			return damaged(ctx, pid, "an interval timer");
	}
	if (tc->has_stop_signo && tc->stop_signo > PLAN_NSIG)
		return damaged(ctx, pid, "the stop signal");
	return check_signals(ctx, pid, tc->signals_s);
}

int core_validate(struct cr_ctx *ctx, pid_t tid, const CoreEntry *core, bool leader)
{
	int err;

	if (core->mtype != CORE_ENTRY__MARCH__X86_64)
		return cr_fail(ctx, -EOPNOTSUPP, "core-%d.img is of another processor architecture", tid);
	if (!leader)
		return check_thread(ctx, tid, core);
	if (!core->tc)
		return damaged(ctx, tid, "it has no task entry");
	err = check_task(ctx, tid, core->tc);
	if (err || core->tc->task_state == TASK_DEAD)
		return err;
	return check_thread(ctx, tid, core);
}
