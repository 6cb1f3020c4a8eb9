/* SPDX-License-Identifier: GPL-2.0 */
#include "base/watcher.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define STACK_SIZE (64u << 10)

struct watcher {
	void (*clean_up)(void *arg);
	void *arg;
	pid_t pid;
	int pidfd; /* of who is watched */
	_Alignas(16) char stack[STACK_SIZE];
};

/* It shares errno, too: while we live it makes system calls that don't fail, and waits. */
static int watch(void *arg)
{
	const struct watcher *w = arg;
	struct pollfd fd = { w->pidfd, POLLIN, 0 };

	syscall(SYS_setsid);
	while (syscall(SYS_poll, &fd, 1, -1) != 1)
		;
	w->clean_up(w->arg);
	syscall(SYS_exit_group, 0);
	return 0;
}

int watcher_start(struct cr_ctx *ctx, void (*clean_up)(void *arg), void *arg, struct watcher **ret)
{
	_cleanup_free_ struct watcher *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->clean_up = clean_up;
	w->arg = arg;
	w->pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	if (w->pidfd < 0)
		return cr_fail_errno(ctx, -errno, "Can't open a pidfd of our own");
	/* No signal tells of its end. */
	w->pid = clone(watch, w->stack + sizeof(w->stack), CLONE_VM | CLONE_UNTRACED, w);
	if (w->pid < 0) {
		int err = cr_fail_errno(ctx, -errno, "Can't create a process that watches this one");

		close(w->pidfd);
		return err;
	}
	*ret = take_ptr(w);
	return 0;
}

void watcher_end(struct watcher **watcher)
{
	struct watcher *w = *watcher;

	if (!w)
		return;
	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	close(w->pidfd);
	free(w);
	*watcher = NULL;
}
