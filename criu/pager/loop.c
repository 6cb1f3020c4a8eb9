/* SPDX-License-Identifier: GPL-2.0 */
/* The pager's loop, and its guardian, who goes on with it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "pager/state.h"

/*
 * How long it looks for the next fault before it fills in the background, and before it sleeps: as long as being woken
 * takes. Where no CPU is idle, who waited for the last page waits for the end of that, too; sched_yield(2) is no help.
 */
#define QUIET_US 30
#define SPIN_US	 60
/* Asleep it looks for ended tasks that often. */
#define SLEEP_MS 200
#define EVENTS	 16
/* So many guardians in a row may take over and do nothing. */
#define IN_VAIN_MAX 1000
/* Bytes; a fault waits for them. */
#define NEAR (16ul << 10)

__attribute__((noreturn)) static void end(struct pager *p, int code)
{
	if (p->guardian > 0)
		kill(p->guardian, SIGKILL);
	syscall(SYS_exit_group, code);
	__builtin_unreachable();
}

void pager_fail(struct pager *p, const char *why, int err)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	p->failed = true;
	switch_fire(&p->kill_switch);
	if (fd >= 0)
		dprintf(fd, "criu-pager: %s (error %d): its tasks are killed\n", why, err);
	end(p, 1);
}

__attribute__((noreturn)) static void leave(struct pager *p)
{
	p->leaving = true;
	asked_end(p);
	switch_disarm(&p->kill_switch);
	own_cgroup_leave(p);
	end(p, 0);
}

/* ---- the guardian -------------------------------------------------------------------------------------------- */

static void recover(struct pager *p)
{
	uint64_t done = p->stats.faults + p->stats.filled + p->stats.dropped;

	/* What kills it each time before it has done anything will not stop by itself. */
	if (p->stats.takeovers++ && done == p->done_before)
		p->in_vain++;
	else
		p->in_vain = 0;
	p->done_before = done;
	if (p->in_vain > IN_VAIN_MAX)
		pager_fail(p, "it ends again and again", 0);
	p->guardian = 0;
	close_fdp(&p->watched);
	for (struct pager_memory *m = p->memories; m; m = m->next)
		recover_memory(p, m);
}

/*
 * Only the descriptor tells that nothing of the pager is under way any more. Until then nothing that could fail is
 * called: errno is the pager's.
 */
static int guard(void *arg)
{
	struct pager *p = arg;
	struct pollfd fd = { p->self, POLLIN, 0 };

	prctl(PR_SET_NAME, "criu-pager-2");
	while (syscall(SYS_poll, &fd, 1, -1) != 1)
		;
	if (p->failed) {
		p->guardian = 0;
		pager_fail(p, "the pager failed", 0);
	}
	if (p->leaving) {
		p->guardian = 0;
		leave(p);
	}
	recover(p);
	pager_run(p);
}

static void start_guardian(struct pager *p)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = EVENT_GUARDIAN };
	char *stack = p->stacks[p->generation % 2];
	pid_t pid = clone(guard, stack + PAGER_STACK, CLONE_VM | CLONE_FILES | CLONE_UNTRACED | SIGCHLD, p);

	if (pid < 0)
		return; /* the loop tries again */
	p->guardian = pid;
	p->watched = syscall(SYS_pidfd_open, pid, 0);
	if (p->watched < 0 || epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->watched, &event))
		p->guardian = 0; /* it has ended already */
}

/* Our own pidfd is what the guardian looks at. */
static void become_pager(struct pager *p)
{
	p->pid = getpid();
	prctl(PR_SET_NAME, "criu-pager");
	close_fdp(&p->self);
	p->self = syscall(SYS_pidfd_open, p->pid, 0);
	if (p->self < 0)
		pager_fail(p, "there can be no guardian", errno);
	p->generation++;
	start_guardian(p);
}

/* ---- the loop ------------------------------------------------------------------------------------------------ */

static void on_go(struct pager *p)
{
	char go;

	p->going = read(p->go, &go, 1) == 1 || __atomic_load_n(p->committed, __ATOMIC_ACQUIRE);
	close_fdp(&p->go);
	if (!p->going) /* the restore failed: nobody is left */
		leave(p);
}

static void on_event(struct pager *p, const struct epoll_event *event)
{
	switch (event->data.u64) {
	case EVENT_GO:
		on_go(p);
		break;
	case EVENT_GUARDIAN:
		close_fdp(&p->watched);
		p->guardian = 0;
		start_guardian(p);
		break;
	case EVENT_LISTEN:
		asked_accept(p);
		break;
	case EVENT_CLIENT ... EVENT_LAST:
		asked_client(p, event->data.u64 - EVENT_CLIENT);
		break;
	default: {
		struct pager_memory *m = event->data.ptr;

		if (!m->gone)
			serve_messages(p, m);
	}
	}
}

/* Unlinks and frees what is gone or complete. Only here, so that no event is about memory that was freed. */
static void sweep(struct pager *p)
{
	struct pager_memory **at = &p->memories, *m;

	while ((m = *at)) {
		if (!m->gone && p->going && !m->nr_missing)
			end_memory(p, m);
		if (!m->gone) {
			at = &m->next;
			continue;
		}
		for (struct pager_memory *c = p->memories; c; c = c->next)
			if (c->forked_by == m)
				c->forked_by = NULL;
		__atomic_store_n(at, m->next, __ATOMIC_RELEASE);
		pager_memory_free(m);
	}
}

/* Once in a while: what no message tells. */
static void look_round(struct pager *p, uint64_t now)
{
	find_children(p);
	if (!p->guardian)
		start_guardian(p);
	if (now - p->last_sweep_us < SLEEP_MS * 1000)
		return;
	p->last_sweep_us = now;
	switch_sweep(&p->kill_switch);
	for (struct pager_memory *m = p->memories; m; m = m->next)
		if (!m->gone && is_dead(m))
			end_memory(p, m);
}

static bool any_deferred(struct pager *p)
{
	bool any = false;

	for (struct pager_memory *m = p->memories; m; m = m->next)
		if (!m->gone && m->nr_deferred) {
			serve_deferred(p, m);
			any = true;
		}
	return any;
}

/* Between two looks for faults. */
static bool bring_neighbours(struct pager *p)
{
	for (struct pager_memory *m = p->memories; m; m = m->next)
		if (!m->gone && m->near && near_some(p, m, NEAR))
			return true;
	return false;
}

/* The memory that had the last turn, as long as it has something missing. */
static bool fill_next(struct pager *p)
{
	if (!p->going || (!p->fills && !p->hurried))
		return false;
	for (struct pager_memory *m = p->memories; m; m = m->next)
		if (m == p->turn && !m->gone && fill_some(p, m))
			return true;
	for (struct pager_memory *m = p->memories; m; m = m->next)
		if (!m->gone && fill_some(p, m))
			return true;
	return false;
}

void pager_run(struct pager *p)
{
	struct epoll_event events[EVENTS];
	int timeout = 0;

	become_pager(p);
	for (;;) {
		int nr = epoll_wait(p->epoll, events, EVENTS, timeout);
		uint64_t faults = p->stats.faults, now;

		for (int i = 0; i < nr; i++)
			on_event(p, &events[i]);
		now = now_us();
		timeout = 0;
		if (any_deferred(p) || p->stats.faults != faults)
			p->last_fault_us = now;
		else if (bring_neighbours(p))
			continue;
		else if (now - p->last_fault_us > QUIET_US && !fill_next(p) && now - p->last_fault_us > SPIN_US)
			timeout = SLEEP_MS;
		look_round(p, now);
		sweep(p);
		if (!p->memories && p->going)
			leave(p);
	}
}
