/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stopping a whole tree. A thread list is final once a pass over it finds nobody new while all known threads are
 * stopped; then no child can appear either, so children are listed after that. Children are listed again until that
 * finds nobody new: a task that dies meanwhile may leave its own to a subreaper in the tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "proc/list.h"
#include "proc/status.h"
#include "seize/exec_guard.h"
#include "seize/keeper.h"
#include "seize/seize.h"
#include "seize/supervisor.h"
#include "seize/vfork.h"

/* The threads of the task that is being stopped. */
struct thread_set {
	struct compel_thread *v;
	size_t nr, room;
	bool group_stopped;
	int stop_signal;
};

struct seizing {
	struct cr_ctx *ctx;
	struct task_tree *tree;
	uint64_t deadline_us;
	int rootfd; /* /proc */
};

/* A flag of proc_stat.flags: Linux, include/linux/sched.h. */
#define PF_KTHREAD 0x00200000

static void thread_set_free(struct thread_set *set)
{
	free(set->v);
	*set = (struct thread_set){ 0 };
}

static void thread_set_release(struct thread_set *set)
{
	for (size_t i = 0; i < set->nr; i++)
		compel_detach(&set->v[i]);
	thread_set_free(set);
}

/* A stopped thread dies only with all others: its process was killed, or one that ran has called execve(2). */
static bool thread_set_died(const struct thread_set *set)
{
	siginfo_t info = { 0 };

	if (!set->nr)
		return false;
	if (waitid(P_PID, set->v[0].tid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
		return errno == ECHILD;
	/* Of a tracee stops are reported, too. */
	return info.si_pid && info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED;
}

static bool thread_set_has(const struct thread_set *set, pid_t tid)
{
	for (size_t i = 0; i < set->nr; i++)
		if (set->v[i].tid == tid)
			return true;
	return false;
}

static int check_in_time(const struct seizing *s, pid_t tid)
{
	if (supervise_cancelled())
		return cr_fail(s->ctx, -EINTR, "Cancelled while the tree was being stopped");
	if (now_us() > s->deadline_us)
		return cr_fail(s->ctx, -ETIMEDOUT, "Task %d didn't stop in time", tid);
	return 0;
}

/* How long a child of vfork(2) may take to execute something. */
#define VFORK_PATIENCE_US 500000

static bool is_dead(const struct proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X';
}

/* A leader that ends before its other threads is a zombie of which no report comes. */
static bool has_ended(pid_t tid)
{
	_cleanup_close_ int procfd = proc_open_pid(tid);
	struct proc_stat stat;

	return procfd < 0 || proc_read_stat(procfd, &stat) < 0 || is_dead(&stat);
}

/*
 * Waits for a state to collect, so that compel_wait_stop() can't block beyond the deadline. -ESRCH: it has ended;
 * -ESTALE: those that were stopped already have.
 */
static int wait_for_state(const struct seizing *s, pid_t tid, const struct thread_set *set)
{
	const struct timespec nap = { .tv_nsec = 100000 };
	const uint64_t begin = now_us();
	int r;

	for (unsigned tries = 0;; tries++) {
		siginfo_t info = { 0 };

		if (waitid(P_PID, tid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
			return errno == ECHILD ? -ESRCH : -errno;
		if (info.si_pid)
			return 0;
		r = check_in_time(s, tid);
		if (r < 0)
			return r;
		if (tries < 50) {
			sched_yield();
			continue;
		}
		nanosleep(&nap, NULL);
		if (tries % 128)
			continue;
		if (has_ended(tid))
			return -ESRCH;
		if (thread_set_died(set))
			return -ESTALE;
		/* Mostly the child calls execve(2) at once. */
		if (now_us() - begin > VFORK_PATIENCE_US && waits_in_vfork(tid))
			return cr_fail(s->ctx, -EOPNOTSUPP,
				       "Task %d waits in vfork(2) for its child: this isn't supported", tid);
	}
}

/* 0: it is ours already, since the thread that we had seized has replaced the others by execve(2). */
static int explain_refusal(const struct seizing *s, pid_t tid, int code)
{
	_cleanup_proc_status_ struct proc_status status = { 0 };
	_cleanup_close_ int procfd = proc_open_pid(tid);

	if (procfd < 0 || proc_read_status(procfd, &status) < 0 || !status.tracer_pid)
		return cr_fail_errno(s->ctx, code, "Can't stop task %d", tid);
	if (status.tracer_pid == getpid())
		return 0;
	return cr_fail(s->ctx, -EBUSY, "Task %d (%s) is traced by process %d", tid, status.name, status.tracer_pid);
}

static int append_thread(const struct seizing *s, struct thread_set *set, pid_t tid, const struct compel_stop *stop)
{
	int r;

	if (set->nr == set->room) {
		size_t room = set->room ? set->room * 2 : 4;
		struct compel_thread *v = reallocarray(set->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		set->v = v;
		set->room = room;
	}
	r = compel_thread_save(&set->v[set->nr], tid, stop);
	if (r == -ESRCH)
		return r;
	if (r < 0)
		return cr_fail(s->ctx, r, "Can't save the registers of task %d: %s", tid,
			       compel_strerror_detail(&set->v[set->nr]));
	set->nr++;
	if (stop->kind == COMPEL_STOP_GROUP) {
		set->group_stopped = true;
		set->stop_signal = stop->sig;
	}
	return 0;
}

/* 0, -ESRCH: it ended before it stopped, -ESTALE: see wait_for_state(), or another error that has been explained. */
static int stop_thread(const struct seizing *s, pid_t tid, struct thread_set *set)
{
	struct compel_stop stop = { 0 };
	int r;

	r = compel_seize(tid, 0);
	if (r == -EPERM) /* perhaps it was a leader whose place the thread that calls execve(2) has taken just now */
		r = compel_seize(tid, 0);
	if (r < 0 && r != -ESRCH)
		r = explain_refusal(s, tid, r);
	if (r < 0)
		return r;
	r = compel_interrupt(tid);
	if (!r)
		r = wait_for_state(s, tid, set);
	if (!r)
		r = compel_wait_stop(tid, &stop);
	if (!r)
		r = append_thread(s, set, tid, &stop);
	if (!r)
		return 0;
	/* One that runs can't be let go: that happens when this process ends. */
	ptrace(PTRACE_DETACH, tid, 0, 0);
	if (r == -ECHILD) /* collected by the guard */
		r = -ESRCH;
	if (r == -ESRCH || r == -ESTALE)
		return r;
	return cr_fail(s->ctx, r, "Can't stop task %d: %s", tid, stop.error.err ? stop.error.text : strerror(-r));
}

/* -EAGAIN: the leader has ended; -ESTALE: the threads in SET have. Then the process has to be looked at again. */
static int stop_all_threads(const struct seizing *s, int procfd, pid_t pid, struct thread_set *set)
{
	bool found;
	int r;

	do {
		_cleanup_proc_numbers_ struct proc_numbers tids = { 0 };

		found = false;
		r = proc_list_threads(procfd, &tids);
		if (r < 0)
			return r == -ENOENT ? -ESRCH : r;
		/* After the list, so that no thread of a new program is added to those of the old one. */
		if (thread_set_died(set))
			return -ESTALE;
		for (size_t i = 0; i < tids.nr; i++) {
			/* Both are in the order of creation, nearly always. */
			if (set->nr > i && set->v[i].tid == tids.v[i])
				continue;
			if (thread_set_has(set, tids.v[i]))
				continue;
			found = true;
			r = stop_thread(s, tids.v[i], set);
			if (r == -ESRCH && tids.v[i] == pid)
				return -EAGAIN;
			if (r < 0 && r != -ESRCH)
				return r;
		}
		r = check_in_time(s, pid);
		if (r < 0)
			return r;
	} while (found);
	return 0;
}

static void dump_task_free(struct dump_task *d)
{
	if (!d)
		return;
	close_fdp(&d->procfd);
	close_fdp(&d->pidfd);
	free(d->threads);
	free(d);
}

static struct dump_task *dump_task_new(int procfd, int pidfd)
{
	struct dump_task *d = calloc(1, sizeof(*d));

	if (d) {
		d->procfd = procfd;
		d->pidfd = pidfd;
	}
	return d;
}

/* The leader first, as images have it. */
static void leader_first(struct thread_set *set, pid_t pid)
{
	for (size_t i = 1; i < set->nr; i++) {
		if (set->v[i].tid == pid) {
			struct compel_thread leader = set->v[i];

			set->v[i] = set->v[0];
			set->v[0] = leader;
			return;
		}
	}
}

/* Adds the stopped (or dead) process to the tree; takes D and, on success, SET's threads. */
static int add_task(const struct seizing *s, struct task *parent, pid_t pid, struct thread_set *set,
		    struct dump_task *d, struct task **ret)
{
	struct task *task;
	int r;

	r = task_tree_add(s->tree, parent, pid, set->nr ? set->nr : 1, &task);
	if (r < 0) {
		dump_task_free(d);
		return r;
	}
	d->task = task;
	task->dump = d;
	task->ppid = parent ? parent->pid : 0;
	task->pgid = d->stat.pgrp;
	task->sid = d->stat.session;
	task->threads[0].tid = pid;
	if (!set->nr) {
		task->state = TASK_DEAD;
	} else {
		task->state = set->group_stopped ? TASK_STOPPED : TASK_ALIVE;
		d->stop_signal = set->stop_signal;
		for (size_t i = 0; i < set->nr; i++)
			task->threads[i].tid = set->v[i].tid;
		d->threads = take_ptr(set->v);
		*set = (struct thread_set){ 0 };
	}
	*ret = task;
	return 0;
}

/* A process whose threads all end leaves its leader waiting for the others for a moment, too. */
#define LEADER_PATIENCE_US 200000

/* What the process looks like since BEGIN: 0 it may be stopped, 1 a zombie; -EAGAIN: look again. */
static int look_at_leader(const struct seizing *s, pid_t pid, struct dump_task *d, uint64_t begin)
{
	int r = proc_read_stat(d->procfd, &d->stat);

	if (r < 0)
		return r;
	if (d->stat.flags & PF_KTHREAD)
		return cr_fail(s->ctx, -EOPNOTSUPP, "Task %d (%s) is a kernel thread", pid, d->stat.comm);
	if (!is_dead(&d->stat))
		return 0;
	if (d->stat.num_threads <= 1)
		return d->stat.state == 'Z' ? 1 : -ESRCH;
	if (now_us() - begin > LEADER_PATIENCE_US)
		return cr_fail(s->ctx, -EOPNOTSUPP,
			       "Task %d (%s): a process whose leader thread has exited isn't supported", pid,
			       d->stat.comm);
	return -EAGAIN;
}

/* Stops a process, or finds it dead: then SET is empty. */
static int stop_process(const struct seizing *s, pid_t pid, struct dump_task *d, struct thread_set *set)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	uint64_t begin = now_us();
	int r;

	for (;;) {
		thread_set_release(set);
		r = look_at_leader(s, pid, d, begin);
		if (r == 1)
			return 0;
		if (!r) {
			/* Being traced will cover what wait(2) would tell its parent. */
			d->unread_stop = d->stat.state == 'T' ? d->stat.exit_code : 0;
			r = stop_all_threads(s, d->procfd, pid, set);
		}
		/* A thread that executes a program takes the place of the leader, which is dead for a moment. */
		if (r == -ESRCH && now_us() - begin < LEADER_PATIENCE_US &&
		    !syscall(SYS_pidfd_send_signal, d->pidfd, 0, NULL, 0))
			r = -EAGAIN;
		if (r == -ESTALE) /* there are others of the same ids, perhaps */
			thread_set_free(set);
		else if (r != -EAGAIN)
			break;
		log_debug(s->ctx->log, "Task %d changed while it was being stopped: once more", pid);
		r = check_in_time(s, pid);
		if (r < 0)
			return r;
		nanosleep(&nap, NULL);
	}
	leader_first(set, pid);
	return r < 0 ? r : proc_read_stat(d->procfd, &d->stat);
}

static int seize_process(const struct seizing *s, struct task *parent, pid_t pid, struct task **ret)
{
	struct thread_set set = { 0 };
	struct dump_task *d;
	int procfd, pidfd, r;

	*ret = NULL;
	procfd = proc_open_pid(pid);
	if (procfd < 0)
		return procfd;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		r = -errno;
		close(procfd);
		return r;
	}
	d = dump_task_new(procfd, pidfd);
	if (!d) {
		close(procfd);
		close(pidfd);
		return -ENOMEM;
	}
	r = stop_process(s, pid, d, &set);
	if (r < 0) {
		thread_set_release(&set);
		dump_task_free(d);
		return r;
	}
	r = add_task(s, parent, pid, &set, d, ret);
	thread_set_release(&set);
	return r;
}

static int seize_children(const struct seizing *s, struct task *parent)
{
	_cleanup_proc_numbers_ struct proc_numbers pids = { 0 };
	int r;

	if (parent->state == TASK_DEAD)
		return 0;
	r = proc_list_process_children(s->rootfd, parent->dump->procfd, parent->pid, &pids);
	if (r < 0)
		return cr_fail_errno(s->ctx, r, "Can't list the children of task %d", parent->pid);
	for (size_t i = 0; i < pids.nr; i++) {
		struct task *child;

		if (task_tree_find(s->tree, pids.v[i]))
			continue;
		r = check_in_time(s, pids.v[i]);
		if (r < 0)
			return r;
		r = seize_process(s, parent, pids.v[i], &child);
		if (r == -ESRCH || r == -ENOENT) /* an auto-reaped one that ended just now */
			continue;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Stopping what this program is part of would stop it. */
static int refuse_ourselves(const struct seizing *s, pid_t root)
{
	pid_t pid = getpid();

	if (root == pid || root == getppid())
		return cr_fail(s->ctx, -EINVAL, "Process %d is criu itself", root);
	while (pid > 0) {
		_cleanup_close_ int procfd = proc_open_pid(pid);
		struct proc_stat stat;

		if (pid == root)
			return cr_fail(s->ctx, -EINVAL, "Process %d is an ancestor of criu: its tree contains criu",
				       root);
		if (procfd < 0 || proc_read_stat(procfd, &stat) < 0)
			return 0;
		pid = stat.ppid;
	}
	return 0;
}

static int seize_all(const struct seizing *s, pid_t root)
{
	struct task_tree *tree = s->tree;
	struct task *task;
	size_t known;
	int r;

	r = seize_process(s, NULL, root, &task);
	if (r == -ESRCH || r == -ENOENT)
		return cr_fail(s->ctx, -ESRCH, "There is no process %d", root);
	if (r < 0)
		return cr_fail_errno(s->ctx, r, "Can't stop process %d", root);
	if (task->state == TASK_DEAD)
		return cr_fail(s->ctx, -ESRCH, "Process %d is a zombie", root);
	/* The list grows behind the task that is looked at: breadth first. */
	do {
		known = tree->nr_tasks;
		for_each_task (tree, task) {
			r = seize_children(s, task);
			if (r < 0)
				return cr_fail_errno(s->ctx, r, "Can't stop the children of task %d", task->pid);
		}
	} while (tree->nr_tasks != known);
	return 0;
}

int seize_tree(const struct seize_args *args, struct task_tree *tree)
{
	_cleanup_close_ int rootfd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct seizing s = {
		.ctx = args->ctx,
		.tree = tree,
		.deadline_us = now_us() + args->timeout_s * 1000000ull,
		.rootfd = rootfd,
	};
	struct exec_guard guard;
	int r;

	if (rootfd < 0)
		return cr_fail_errno(args->ctx, -errno, "Can't open /proc");
	r = refuse_ourselves(&s, args->root);
	if (r < 0)
		return r;
	r = exec_guard_begin(&guard);
	if (r < 0)
		return cr_fail_errno(args->ctx, r, "Can't set a timer");
	r = seize_all(&s, args->root);
	exec_guard_end(&guard);
	if (!r)
		log_info(args->ctx->log, "Stopped %zu tasks", tree->nr_tasks);
	return r;
}

/* Until the last thread is gone: the caller may restore the same pid at once. */
static void wait_until_gone(const struct task *task)
{
	for (size_t i = task->nr_threads; i-- > 0;)
		while (waitpid(task->threads[i].tid, NULL, __WALL) < 0 && errno == EINTR)
			continue;
}

static bool is_held(const struct task *task)
{
	return task->dump && task->dump->threads;
}

/*
 * A zombie of ours, or one that was there before: its parent, which is next, takes it away. Else all of them would be
 * left to init, which may take its time, and the same pids are wanted by a restore.
 */
static void reap_in_parent(struct task *task)
{
	const unsigned long args[6] = { task->pid, 0, WNOHANG | __WALL };
	struct task *parent = task->parent;
	long value;

	if (parent && is_held(parent))
		compel_syscall(&parent->dump->threads[0], SYS_wait4, &value, args);
}

/* Children before their parents. */
static void kill_all(struct task_tree *tree)
{
	struct task *task;

	keep_memory(tree);
	for_each_task (tree, task) /* those that needn't reap anybody, all at once */
		if (is_held(task) && list_empty(&task->children))
			kill(task->pid, SIGKILL);
	for (struct list_head *p = tree->tasks.prev; p != &tree->tasks; p = p->prev) {
		task = list_entry(p, struct task, node);
		if (is_held(task)) {
			kill(task->pid, SIGKILL);
			wait_until_gone(task);
		}
		reap_in_parent(task);
	}
}

static void detach_all(struct cr_ctx *ctx, struct task_tree *tree, bool stop)
{
	struct task *task;

	for_each_task (tree, task) {
		if (!is_held(task))
			continue;
		if (stop && task->state != TASK_STOPPED)
			kill(task->pid, SIGSTOP);
		for (size_t i = 0; i < task->nr_threads; i++) {
			struct compel_thread *thread = &task->dump->threads[i];
			int r = compel_detach(thread);

			if (r < 0 && r != -ESRCH)
				log_warn(ctx->log, "Can't let task %d go: %s", thread->tid,
					 compel_strerror_detail(thread));
		}
	}
}

void seize_release(struct cr_ctx *ctx, struct task_tree *tree, enum seize_end end)
{
	struct task *task;

	for_each_task (tree, task) {
		if (end == SEIZE_END_KILL && task->dump && task->dump->parasite) {
			compel_forget(task->dump->parasite);
			task->dump->parasite = NULL;
		} else if (seize_cure(ctx, task) < 0) {
			log_warn(ctx->log, "The parasite is still in task %d", task->pid);
		}
	}
	if (end == SEIZE_END_KILL)
		kill_all(tree);
	else
		detach_all(ctx, tree, end == SEIZE_END_STOP);
	for_each_task (tree, task) {
		dump_task_free(task->dump);
		task->dump = NULL;
	}
	task_tree_free(tree);
}
