/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stopping a whole tree. A thread list is final once a pass over it finds nobody new while all known threads are stopped; then
 * no child can appear either, so children are listed after that.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "proc/list.h"
#include "proc/status.h"
#include "seize/seize.h"
#include "seize/supervisor.h"

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

static void thread_set_release(struct thread_set *set)
{
	for (size_t i = 0; i < set->nr; i++)
		compel_detach(&set->v[i]);
	free(set->v);
	*set = (struct thread_set){ 0 };
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

/* Waits for a state to collect, so that compel_wait_stop() can't block beyond the deadline. */
static int wait_for_state(const struct seizing *s, pid_t tid)
{
	const struct timespec nap = { .tv_nsec = 100000 };
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
		if (tries < 50)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
}

/* Who traces TID already, for the message. */
static int fail_to_seize(const struct seizing *s, int procfd, pid_t tid, int code)
{
	_cleanup_proc_status_ struct proc_status status = { 0 };

	if (proc_read_status(procfd, &status) == 0 && status.tracer_pid)
		return cr_fail(s->ctx, -EBUSY, "Task %d (%s) is traced by process %d", tid, status.name,
			       status.tracer_pid);
	return cr_fail_errno(s->ctx, code, "Can't stop task %d", tid);
}

/* 0; 1: it ended before it stopped. */
static int stop_thread(const struct seizing *s, int procfd, pid_t tid, struct thread_set *set)
{
	struct compel_stop stop = { 0 };
	int r;

	r = compel_seize(tid, COMPEL_SEIZE_SUSPEND_SECCOMP);
	if (r == -ESRCH)
		return 1;
	if (r < 0)
		return fail_to_seize(s, procfd, tid, r);
	r = compel_interrupt(tid);
	if (!r)
		r = wait_for_state(s, tid);
	if (!r)
		r = compel_wait_stop(tid, &stop);
	if (r == -ESRCH)
		return 1;
	if (r < 0)
		return cr_fail(s->ctx, r, "Can't stop task %d: %s", tid,
			       stop.error.err ? stop.error.text : strerror(-r));
	if (set->nr == set->room) {
		size_t room = set->room ? set->room * 2 : 4;
		struct compel_thread *v = reallocarray(set->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		set->v = v;
		set->room = room;
	}
	r = compel_thread_save(&set->v[set->nr], tid, &stop);
	if (r < 0)
		return cr_fail(s->ctx, r, "Can't save the registers of task %d: %s", tid,
			       compel_strerror_detail(&set->v[set->nr]));
	set->nr++;
	if (stop.kind == COMPEL_STOP_GROUP) {
		set->group_stopped = true;
		set->stop_signal = stop.sig;
	}
	return 0;
}

static int stop_all_threads(const struct seizing *s, int procfd, struct thread_set *set)
{
	bool found;
	int r;

	do {
		_cleanup_proc_numbers_ struct proc_numbers tids = { 0 };

		found = false;
		r = proc_list_threads(procfd, &tids);
		if (r < 0)
			return r == -ENOENT ? -ESRCH : r;
		/* Lists only grow while somebody runs: the first pass takes all, the next ones compare. */
		if (tids.nr == set->nr)
			break;
		for (size_t i = 0; i < tids.nr; i++) {
			if (set->nr > i && set->v[i].tid == tids.v[i])
				continue;
			if (thread_set_has(set, tids.v[i]))
				continue;
			r = stop_thread(s, procfd, tids.v[i], set);
			if (r < 0)
				return r;
			found = true;
		}
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
static int add_task(const struct seizing *s, struct task *parent, pid_t pid, struct thread_set *set, struct dump_task *d,
		    struct task **ret)
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

static int check_kind(const struct seizing *s, const struct thread_set *set, pid_t pid)
{
	if (set->nr && set->v[0].tid != pid)
		return cr_fail(s->ctx, -EOPNOTSUPP, "Task %d: a process whose leader thread has exited isn't supported",
			       pid);
	return 0;
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
	r = proc_read_stat(procfd, &d->stat);
	if (!r && d->stat.state != 'Z' && d->stat.state != 'X')
		r = stop_all_threads(s, procfd, &set);
	if (!r)
		r = proc_read_stat(procfd, &d->stat);
	if (!r && !set.nr && d->stat.state != 'Z')
		r = -ESRCH;
	leader_first(&set, pid);
	if (!r)
		r = check_kind(s, &set, pid);
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

int seize_tree(const struct seize_args *args, struct task_tree *tree)
{
	_cleanup_close_ int rootfd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct seizing s = {
		.ctx = args->ctx,
		.tree = tree,
		.deadline_us = now_us() + args->timeout_s * 1000000ull,
		.rootfd = rootfd,
	};
	struct task *task;
	int r;

	if (rootfd < 0)
		return cr_fail_errno(args->ctx, -errno, "Can't open /proc");
	r = seize_process(&s, NULL, args->root, &task);
	if (r == -ESRCH || r == -ENOENT)
		return cr_fail(args->ctx, -ESRCH, "There is no process %d", args->root);
	if (r < 0)
		return cr_fail_errno(args->ctx, r, "Can't stop process %d", args->root);
	if (task->state == TASK_DEAD)
		return cr_fail(args->ctx, -ESRCH, "Process %d is a zombie", args->root);
	/* The list grows behind the task that is looked at: breadth first. */
	for_each_task(tree, task) {
		r = seize_children(&s, task);
		if (r < 0)
			return cr_fail_errno(args->ctx, r, "Can't stop the children of task %d", task->pid);
	}
	log_info(args->ctx->log, "Stopped %zu tasks", tree->nr_tasks);
	return 0;
}

/* Until the last thread is gone: the caller may restore the same pid at once. */
static void wait_until_gone(const struct task *task)
{
	for (size_t i = task->nr_threads; i-- > 0;)
		while (waitpid(task->threads[i].tid, NULL, __WALL) < 0 && errno == EINTR)
			continue;
}

static void kill_all(struct task_tree *tree)
{
	struct task *task;

	for_each_task(tree, task)
		if (task->dump && task->dump->threads)
			kill(task->pid, SIGKILL);
	for_each_task(tree, task)
		if (task->dump && task->dump->threads)
			wait_until_gone(task);
}

static void detach_all(struct cr_ctx *ctx, struct task_tree *tree, bool stop)
{
	struct task *task;

	for_each_task(tree, task) {
		if (!task->dump || !task->dump->threads)
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

	for_each_task(tree, task) {
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
	for_each_task(tree, task) {
		dump_task_free(task->dump);
		task->dump = NULL;
	}
	task_tree_free(tree);
}
