/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/fork.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/io.h"
#include "base/str.h"
#include "proc/list.h"
#include "proc/stat.h"
#include "restore/cow.h"
#include "restore/stage.h"
#include "restore/task_run.h"
#include "restore/trace.h"
#include "restore/turn.h"

static pid_t raw_clone(const struct clone_args *args)
{
	return syscall(SYS_clone3, args, sizeof(*args));
}

void barrier_wait(struct restore *r, struct restore_task *rt, struct restore_barrier *b)
{
	uint32_t left = __atomic_sub_fetch(&b->left, 1, __ATOMIC_ACQ_REL);

	if (!left) {
		wake_all(&b->left);
		return;
	}
	turn_give(rt);
	/* Whoever fails takes all down: the engine kills us then. */
	while ((left = __atomic_load_n(&b->left, __ATOMIC_ACQUIRE)))
		wait_on(&b->left, left);
	turn_take(r, rt);
}

int task_stage(struct restore *r, struct restore_task *rt, enum restore_stage stage)
{
	rt->slot->stage = stage;
	if (r->shared->fault_stage == stage)
		return cr_fail(&r->ctx, -EIO, "Task %d: stage %s is made to fail by CRIU_FAULT_PHASE", rt->task->pid,
			       stage_name(stage));
	return 0;
}

void task_set_prefix(struct restore *r, const struct restore_task *rt)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "%7d: ", rt->task->pid);
	log_set_prefix(r->ctx.log, prefix);
}

void become_task(struct restore *r, struct restore_task *rt)
{
	turn_begin(r, rt);
	task_set_prefix(r, rt);
	/* Who shares descriptors logs to where its creator does. */
	if (r->opts->log_pid && r->opts->log_file && !(rt->clone_flags & CLONE_FILES)) {
		_cleanup_free_ char *path = str_printf("%s.%d", r->opts->log_file, rt->task->pid);

		if (!path || log_split(r->ctx.log, path) < 0)
			log_warn(r->ctx.log, "Task %d has no log of its own", rt->task->pid);
	}
}

/* How long a zombie of the same pid may take to be reaped: it's the tree that was dumped just before. */
#define ZOMBIE_PATIENCE_US 3000000

static bool is_zombie(pid_t pid)
{
	_cleanup_close_ int procfd = proc_open_pid(pid);
	struct proc_stat stat;

	return procfd >= 0 && proc_read_stat(procfd, &stat) == 0 && stat.state == 'Z';
}

/* clone3(2), tried again while the pid is taken by a zombie. */
static pid_t clone_when_free(struct restore *r, struct restore_task *rt, const struct clone_args *args)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	uint64_t begin = now_us();
	pid_t got, pid = rt->task->pid;

	for (;;) {
		got = args->flags & CLONE_VM ? turn_clone(r, rt, args) : raw_clone(args);
		if (got >= 0 || errno != EEXIST)
			return got;
		if (!is_zombie(pid) || now_us() - begin > ZOMBIE_PATIENCE_US) {
			errno = EEXIST;
			return got;
		}
		nanosleep(&nap, NULL);
	}
}

/* A process is born with the timer slack of its creator, and goes back to it when it sets none. */
static void take_slack_of(const struct restore *r, const struct restore_task *child)
{
	if (r->slacks_differ)
		prctl(PR_SET_TIMERSLACK, attributes_slack_default(attributes_of(r->attributes, child->task->pid)));
}

static int clone_task(struct restore *r, struct restore_task *rt, uint64_t flags, uint64_t exit_signal)
{
	pid_t pid = rt->task->pid;
	struct clone_args args = {
		.flags = flags | CLONE_PARENT_SETTID,
		.parent_tid = (uintptr_t)&rt->slot->pid,
		.exit_signal = exit_signal,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t got = clone_when_free(r, rt, &args);

	if (got >= 0)
		return got;
	if (errno == EEXIST)
		return cr_fail(&r->ctx, -EEXIST, "Pid %d is in use", pid);
	return cr_fail_errno(&r->ctx, -errno, "Can't create task %d", pid);
}

/* ---- the root task ------------------------------------------------------------------------------------------- */

/* Before it is traced nothing ties it to the engine: it goes on only when it is told, and not without engine. */
static void wait_for_go(struct restore *r)
{
	char go;

	close_fdp(&r->go_pipe[1]);
	if (read_full(r->go_pipe[0], &go, 1))
		_exit(1);
	close_fdp(&r->go_pipe[0]);
}

static void default_signals(void)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	/* SIGCHLD is dropped, with its default action, only when it isn't blocked. */
	const uint64_t mask = ~(1ull << (SIGCHLD - 1));

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL);
	/* All others: the C library would leave out those of its own, which may be exit signals. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

int fork_root(struct restore *r)
{
	struct restore_task *rt = restore_of(r->tree.root);
	bool sibling = r->opts->restore_sibling;
	int got, err;

	if (pipe2(r->go_pipe, O_CLOEXEC))
		return cr_fail_errno(&r->ctx, -errno, "Can't make a pipe");
	take_slack_of(r, rt);
	/* clone3(2): a sibling sends the signal that we send. */
	got = clone_task(r, rt, sibling ? CLONE_PARENT : 0, sibling ? 0 : SIGCHLD);
	if (got && r->slacks_differ)
		prctl(PR_SET_TIMERSLACK, r->own_attributes.has.timer_slack);
	if (!got) {
		become_task(r, rt);
		default_signals();
		wait_for_go(r);
		task_run_root(r, rt);
	}
	close_fdp(&r->go_pipe[0]);
	if (got < 0)
		return got;
	r->root_pid = got;
	err = trace_root(r);
	if (!err && write_full(r->go_pipe[1], "", 1))
		err = cr_fail(&r->ctx, -ESRCH, "The root task %d is gone", got);
	close_fdp(&r->go_pipe[1]);
	return err;
}

/* ---- all others ---------------------------------------------------------------------------------------------- */

static int fork_one(struct restore *r, struct restore_task *rt)
{
	bool sibling = rt->by_sibling;
	int sig = attributes_exit_signal(attributes_of(r->attributes, rt->task->pid)), got;

	/* Nobody shall be told of a helper's end; a sibling sends what its creator does. */
	if (sibling || rt->task->state == TASK_HELPER)
		sig = 0;

	take_slack_of(r, rt);
	got = clone_task(r, rt, rt->clone_flags | (sibling ? CLONE_PARENT : 0), sig);
	if (!got) {
		become_task(r, rt);
		task_run(r, rt);
	}
	return got < 0 ? got : 0;
}

static int reap(struct restore *r, pid_t pid, int options)
{
	siginfo_t info;

	while (waitid(P_PID, pid, &info, options | WEXITED | __WALL))
		if (errno != EINTR)
			return cr_fail_errno(&r->ctx, -errno, "Can't wait for process %d", pid);
	return 0;
}

/* By way of a process in between, whose end makes it an orphan. */
static int fork_orphan(struct restore *r, struct restore_task *rt)
{
	const struct clone_args args = { .flags = rt->clone_flags };
	pid_t pid = raw_clone(&args);

	if (!pid)
		_exit(fork_one(r, rt) ? 1 : 0);
	if (pid < 0)
		return cr_fail_errno(&r->ctx, -errno, "Can't create a process");
	return reap(r, pid, 0);
}

int fork_children(struct restore *r, struct restore_task *rt, enum born_when when)
{
	struct restore_task *child;
	int err = 0;

	list_for_each_entry (child, &rt->to_fork, fork_node) {
		if (child->when != when)
			continue;
		err = cow_put_pages(r, rt, child);
		if (err)
			break;
		err = child->orphan ? fork_orphan(r, child) : fork_one(r, child);
		if (err)
			break;
	}
	return err;
}

/* ---- sessions, groups, helpers, zombies ---------------------------------------------------------------------- */

static int set_group(struct restore *r, const struct restore_task *rt, pid_t pgid)
{
	if (setpgid(0, pgid))
		return cr_fail_errno(&r->ctx, -errno, "Task %d can't join process group %d", rt->task->pid, pgid);
	return 0;
}

/* The group of its number, as long as others have to find it; its own may be another. */
static int found_group(struct restore *r, struct restore_task *rt)
{
	struct task *t = rt->task, *other;
	bool wanted = t->pgid == t->pid;

	if (t->sid == t->pid)
		return 0;
	for_each_task (&r->tree, other)
		wanted |= other->pgid == t->pid;
	return wanted ? set_group(r, rt, 0) : 0;
}

static bool founds_group(struct restore *r, const struct restore_task *rt)
{
	return getpgid(0) == rt->task->pid;
}

__attribute__((noreturn)) static void end_as_zombie(const struct restore_task *rt)
{
	const struct rlimit no_core = { 0 };
	int sig = rt->exit_status & 0x7f;
	sigset_t mask;

	prctl(PR_SET_NAME, rt->cores[0]->tc->comm);
	if (!sig)
		_exit(rt->exit_status >> 8 & 0xff);
	setrlimit(RLIMIT_CORE, &no_core);
	sigemptyset(&mask);
	sigaddset(&mask, sig);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	syscall(SYS_kill, rt->task->pid, sig);
	_exit(128 + sig);
}

/* Waits for a dead child. Its signal was sent to the one that was dumped, long ago: what is pending is restored. */
static int settle_zombie(struct restore *r, const struct task *child)
{
	int sig = attributes_exit_signal(attributes_of(r->attributes, child->pid));
	const uint64_t set = sig ? 1ull << (sig - 1) : 0;
	const struct timespec now = { 0 };
	int err = reap(r, child->pid, WNOWAIT);

	if (!err && sig && sig != SIGCHLD)
		syscall(SYS_rt_sigtimedwait, &set, NULL, &now, sizeof(set));
	return err;
}

/* Helpers of ours end and are forgotten; dead children have to be dead before we go on. */
static int settle_children(struct restore *r, struct restore_task *rt)
{
	struct task *child;
	int err = 0;

	list_for_each_entry (child, &rt->task->children, sibling)
		if (!err && child->state == TASK_HELPER)
			err = reap(r, child->pid, 0);
	list_for_each_entry (child, &rt->task->children, sibling)
		if (!err && child->state == TASK_DEAD)
			err = settle_zombie(r, child);
	return err;
}

static int join_group(struct restore *r, struct restore_task *rt)
{
	struct task *t = rt->task;

	if (t->pgid == t->pid || t->sid == t->pid)
		return 0;
	return set_group(r, rt, rt->outside_pgid ? r->own_pgid : t->pgid);
}

static int make_session(struct restore *r, const struct task *t)
{
	if (setsid() < 0)
		return cr_fail_errno(&r->ctx, -errno, "Task %d can't make its session", t->pid);
	/* One whose leader is no more has lost its terminal. */
	return task_lives(t) ? fd_restore_session(r->fds, t->sid) : 0;
}

int join_tree(struct restore *r, struct restore_task *rt)
{
	struct task *t = rt->task;
	bool founder;
	int err;

	if (rt->adopts && prctl(PR_SET_CHILD_SUBREAPER, 1))
		return cr_fail_errno(&r->ctx, -errno, "Task %d can't be a subreaper", t->pid);
	err = fork_children(r, rt, BORN_BEFORE_SETSID);
	if (!err && t->sid == t->pid)
		err = make_session(r, t);
	if (!err)
		err = found_group(r, rt);
	if (!err)
		err = fork_children(r, rt, BORN_AFTER_SETSID);
	if (!err && rt->unshare_flags && unshare(rt->unshare_flags))
		err = cr_fail_errno(&r->ctx, -errno, "Task %d can't leave what it shares with others", t->pid);
	if (!err)
		err = task_stage(r, rt, STAGE_FORKED);
	if (err)
		return err;
	barrier_wait(r, rt, &r->shared->forked);
	if (t == r->tree.root)
		r->shared->forked_us = now_us();
	founder = founds_group(r, rt);
	if (!founder)
		err = join_group(r, rt);
	if (err)
		return err;
	barrier_wait(r, rt, &r->shared->grouped);
	/* One that founded a group for others leaves it only now. */
	if (founder)
		err = join_group(r, rt);
	if (!err)
		err = task_stage(r, rt, STAGE_GROUPED);
	if (!err)
		err = settle_children(r, rt);
	if (err)
		return err;
	if (t->state == TASK_DEAD)
		end_as_zombie(rt);
	if (t->state == TASK_HELPER)
		_exit(0);
	if (rt->adopts && prctl(PR_SET_CHILD_SUBREAPER, 0))
		return cr_fail_errno(&r->ctx, -errno, "Task %d can't stop being a subreaper", t->pid);
	return 0;
}
