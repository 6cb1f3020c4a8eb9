/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/trace.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "restore/fill_task.h"
#include "restore/stage.h"

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

#define TRACE_OPTIONS                                                                                                  \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD)

/* Opening a file or filling a large segment may take long; for ever is something else. */
#define QUIET_LIMIT_S 600

/* Who a thread of the set is. */
struct who {
	pid_t tid;
	struct restore_task *rt;
	size_t thread; /* its number in the task */
};

struct trace {
	struct who *known; /* by tid */
	size_t nr_known;
	pid_t *live; /* traced and not reaped */
	size_t nr_live, room;
	size_t nr_left; /* threads that are to park */
	int quiet_s;	/* seconds without an event */
};

static int compare_who(const void *a, const void *b)
{
	const struct who *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static struct who *find(struct trace *tr, pid_t tid)
{
	const struct who key = { .tid = tid };

	return bsearch(&key, tr->known, tr->nr_known, sizeof(key), compare_who);
}

static int trace_make(struct restore *r)
{
	struct trace *tr = calloc(1, sizeof(*tr));
	struct task *t;
	size_t n = 0;

	if (!tr)
		return -ENOMEM;
	r->trace = tr;
	tr->known = calloc(r->tree.nr_threads, sizeof(*tr->known));
	if (!tr->known)
		return -ENOMEM;
	for_each_task (&r->tree, t)
		for (size_t i = 0; i < t->nr_threads; i++) {
			tr->known[n++] = (struct who){ t->threads[i].tid, restore_of(t), i };
			tr->nr_left += task_lives(t);
		}
	tr->nr_known = n;
	qsort(tr->known, n, sizeof(*tr->known), compare_who);
	return 0;
}

void trace_free(struct restore *r)
{
	if (!r->trace)
		return;
	free(r->trace->known);
	free(r->trace->live);
	free(r->trace);
	r->trace = NULL;
}

static int add_live(struct trace *tr, pid_t tid)
{
	for (size_t i = 0; i < tr->nr_live; i++)
		if (tr->live[i] == tid)
			return 0;
	if (tr->nr_live == tr->room) {
		size_t room = tr->room ? 2 * tr->room : 64;
		pid_t *live = reallocarray(tr->live, room, sizeof(*live));

		if (!live)
			return -ENOMEM;
		tr->live = live;
		tr->room = room;
	}
	tr->live[tr->nr_live++] = tid;
	return 0;
}

static void drop_live(struct trace *tr, pid_t tid)
{
	for (size_t i = 0; i < tr->nr_live; i++)
		if (tr->live[i] == tid) {
			tr->live[i] = tr->live[--tr->nr_live];
			return;
		}
}

int trace_root(struct restore *r)
{
	/* All who come of it inherit this: what they install sleeps until they are let go. */
	unsigned long options = TRACE_OPTIONS | (r->any_seccomp ? PTRACE_O_SUSPEND_SECCOMP : 0);
	int err = trace_make(r);

	if (!err)
		err = add_live(r->trace, r->root_pid);
	if (err)
		return err;
	if (!ptrace(PTRACE_SEIZE, r->root_pid, NULL, options))
		return 0;
	if (errno == EPERM && r->any_seccomp)
		return cr_fail(&r->ctx, -EPERM,
			       "To restore seccomp takes CAP_SYS_ADMIN and a criu that has no seccomp itself");
	return cr_fail_errno(&r->ctx, -errno, "Can't trace the root task %d", r->root_pid);
}

/* ---- events -------------------------------------------------------------------------------------------------- */

static int resume(struct restore *r, pid_t tid, int sig)
{
	if (ptrace(PTRACE_CONT, tid, NULL, sig) && errno != ESRCH)
		return cr_fail_errno(&r->ctx, -errno, "Can't resume task %d", tid);
	return 0;
}

static int blob_failed(struct restore *r, const struct restore_task *rt)
{
	char text[160];

	blob_error_text(rt->slot, text, sizeof(text));
	return cr_fail_errno(&r->ctx, rt->slot->err, "Task %d: %s", rt->slot->err_tid, text);
}

/* Helpers and zombies come to their ends, and so do processes that were only in between; no other may. */
static int on_end(struct restore *r, pid_t tid, int status)
{
	struct who *who = find(r->trace, tid);

	drop_live(r->trace, tid);
	if (who && tid == r->root_pid)
		r->root_ended = true;
	if (!who) {
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			return 0;
		return cr_fail(&r->ctx, -ECHILD, "A process between task and parent failed");
	}
	who->rt->ended = true;
	if (who->rt->slot->err)
		return blob_failed(r, who->rt);
	if (!task_lives(who->rt->task) && who->rt->slot->stage >= STAGE_GROUPED) {
		if (who->rt->task->state == TASK_DEAD && (status & 0x7f) != (who->rt->exit_status & 0x7f))
			return cr_fail(&r->ctx, -ECHILD, "Zombie %d ended by status %#x instead of %#x", tid, status,
				       who->rt->exit_status);
		return 0;
	}
	if (WIFSIGNALED(status))
		return cr_fail(&r->ctx, -ECHILD, "Task %d was killed by signal %d at stage %s", tid, WTERMSIG(status),
			       stage_name(who->rt->slot->stage));
	return cr_fail(&r->ctx, -ECHILD, "Task %d exited with %d at stage %s", tid, WEXITSTATUS(status),
		       stage_name(who->rt->slot->stage));
}

static int on_fault(struct restore *r, pid_t tid, int sig, const struct who *who)
{
	struct user_regs_struct regs = { 0 };
	siginfo_t info = { 0 };

	ptrace(PTRACE_GETSIGINFO, tid, NULL, &info);
	ptrace(PTRACE_GETREGS, tid, NULL, &regs);
	return cr_fail(&r->ctx, -EFAULT, "Task %d got signal %d at stage %s: address %p, instruction %#llx", tid, sig,
		       who ? stage_name(who->rt->slot->stage) : "none", info.si_addr, regs.rip);
}

/* By tgkill(2), of its own: others' SIGSTOP, which can't be blocked, comes at any place. */
static bool is_by_itself(const struct restore_task *rt, pid_t tid)
{
	siginfo_t info;

	return !ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) && info.si_code == SI_TKILL && info.si_pid == rt->task->pid;
}

static int on_self_stop(struct restore *r, pid_t tid, struct who *who)
{
	struct restore_slot *slot = who->rt->slot;

	if (slot->stage == STAGE_UFFD && !who->thread) {
		int err = fill_memory_start(r, who->rt);

		return err ?: resume(r, tid, 0);
	}
	if (slot->stage == STAGE_PUT && !who->thread) {
		int err = fill_inherited_start(r, who->rt);

		return err ?: resume(r, tid, 0);
	}
	/* Who was taken for parked here would run on from the middle of being restored, with what is ours. */
	if (slot->stage < STAGE_THREADS || who->rt->threads[who->thread].parked || !is_by_itself(who->rt, tid))
		return resume(r, tid, 0);
	who->rt->threads[who->thread].parked = true;
	r->trace->nr_left--;
	return 0;
}

static int on_stop(struct restore *r, pid_t tid, int status)
{
	struct who *who = find(r->trace, tid);
	int sig = WSTOPSIG(status), err;

	if (status >> 16) {
		/* Births, and group stops, which somebody else ordered. */
		err = status >> 16 == PTRACE_EVENT_STOP ? add_live(r->trace, tid) : 0;
		return err ?: resume(r, tid, 0);
	}
	if (who && who->rt->task->state == TASK_DEAD && sig != SIGCHLD)
		return resume(r, tid, sig); /* how the zombie ended */
	switch (sig) {
	case SIGSTOP:
		return who ? on_self_stop(r, tid, who) : resume(r, tid, 0);
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
	case SIGABRT:
	case SIGSYS:
		return on_fault(r, tid, sig, who);
	case SIGCHLD:
		return resume(r, tid, 0);
	}
	return resume(r, tid, sig);
}

static int next_event(struct restore *r)
{
	int status, err;
	pid_t tid = waitpid(-1, &status, __WALL);

	if (tid < 0 && errno == EINTR && r->trace->quiet_s++ >= QUIET_LIMIT_S)
		return cr_fail(&r->ctx, -ETIMEDOUT, "The tasks have made no progress for %d seconds", QUIET_LIMIT_S);
	if (tid < 0)
		return errno == EINTR ? 0 : cr_fail_errno(&r->ctx, -errno, "Can't wait for the tasks");
	r->trace->quiet_s = 0;
	err = WIFSTOPPED(status) ? on_stop(r, tid, status) : on_end(r, tid, status);
	/* A task that failed has said why before it ended. */
	if (atomic_load(&r->shared->error.taken))
		err = r->shared->error.code ?: -ECHILD;
	return err;
}

static void on_tick(int sig)
{
}

/* Has every wait interrupted once a second; ON false: no more. */
static void tick(bool on, struct sigaction *saved)
{
	const struct sigaction action = { .sa_handler = on_tick };
	const struct itimerval every = { { on, 0 }, { on, 0 } };

	if (on)
		sigaction(SIGALRM, &action, saved);
	setitimer(ITIMER_REAL, &every, NULL);
	if (!on)
		sigaction(SIGALRM, saved, NULL);
}

int trace_until_parked(struct restore *r)
{
	struct sigaction saved;
	int err = 0;

	tick(true, &saved);
	while (!err && r->trace->nr_left)
		err = next_event(r);
	tick(false, &saved);
	return err;
}

int trace_wait(struct restore *r, pid_t tid, int *ret_status)
{
	const struct who *who;
	pid_t got;

	/* All others stand still, or end: the end of a leader can't be had before that of its threads. */
	do {
		got = waitpid(-1, ret_status, __WALL);
		if (got < 0 && errno != EINTR)
			return cr_fail_errno(&r->ctx, -errno, "Can't wait for task %d", tid);
		who = got > 0 ? find(r->trace, got) : NULL;
	} while (!who || (WIFSTOPPED(*ret_status) && got != tid));
	if (WIFSTOPPED(*ret_status))
		return 0;
	drop_live(r->trace, got);
	who->rt->ended |= !who->thread;
	return cr_fail(&r->ctx, -ESRCH, "Task %d ended while it was being restored", got);
}

/* ---- undo ---------------------------------------------------------------------------------------------------- */

static void kill_slots(struct restore *r)
{
	for (uint64_t i = 0; i < r->shared->nr_slots; i++) {
		struct restore_slot *slot = &r->shared->slots[i];
		struct who *who = find(r->trace, slot->pid);

		if (slot->pid > 0 && who && !who->rt->ended)
			kill(slot->pid, SIGKILL);
	}
}

void trace_kill_all(struct restore *r)
{
	int status;
	pid_t tid;

	if (!r->trace)
		return;
	kill_slots(r);
	while ((tid = waitpid(-1, &status, r->trace->nr_live ? __WALL : __WALL | WNOHANG)) > 0 ||
	       (tid < 0 && errno == EINTR)) {
		if (tid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			/* Whatever it was about to do, and what is born meanwhile. */
			add_live(r->trace, tid);
			kill(tid, SIGKILL);
			continue;
		}
		drop_live(r->trace, tid);
		kill_slots(r);
	}
}
