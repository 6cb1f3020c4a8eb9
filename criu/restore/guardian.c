/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/guardian.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define STACK_SIZE (64u << 10)

struct guardian {
	pid_t pid;
	int pidfd; /* of the engine */
	const struct restore_shared *shared;
	_Alignas(16) char stack[STACK_SIZE];
};

/*
 * It shares the engine's memory, errno too: while the engine lives it makes one system call, which doesn't return.
 */
static int guard(void *arg)
{
	const struct guardian *g = arg;
	struct pollfd fd = { g->pidfd, POLLIN, 0 };

	syscall(SYS_setsid);
	while (syscall(SYS_poll, &fd, 1, -1) != 1)
		;
	if (!__atomic_load_n(&g->shared->committed, __ATOMIC_ACQUIRE))
		for (uint64_t i = 0; i < g->shared->nr_slots; i++)
			if (g->shared->slots[i].pid > 0)
				syscall(SYS_kill, g->shared->slots[i].pid, SIGKILL);
	syscall(SYS_exit_group, 0);
	return 0;
}

int guardian_start(struct restore *r)
{
	struct guardian *g;

	/* One thread's option is cleared by one call. */
	if (r->tree.nr_threads == 1)
		return 0;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->shared = r->shared;
	g->pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	r->guardian = g;
	if (g->pidfd < 0)
		return cr_fail_errno(&r->ctx, -errno, "Can't open a pidfd of our own");
	/* No signal tells of its end. */
	g->pid = clone(guard, g->stack + sizeof(g->stack), CLONE_VM | CLONE_UNTRACED, g);
	return g->pid < 0 ? cr_fail_errno(&r->ctx, -errno, "Can't create the guardian") : 0;
}

void guardian_end(struct restore *r)
{
	struct guardian *g = r->guardian;

	if (!g)
		return;
	if (g->pid > 0) {
		kill(g->pid, SIGKILL);
		while (waitpid(g->pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	close_fdp(&g->pidfd);
	free(g);
	r->guardian = NULL;
}
