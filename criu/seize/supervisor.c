/* SPDX-License-Identifier: GPL-2.0 */
#include "seize/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The engine tells by it that its verdict is there; whoever else sends it does no harm. */
#define SIGNAL_VERDICT SIGURG

/* What the engine leaves for the first process. */
struct verdict {
	int result;
	atomic_bool given; /* the rest is complete */
	struct cr_error error;
};

static void cancel_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
}

/* They are blocked in the engine, so that a request to cancel is a pending signal: no handler, no global. */
int supervise_cancelled(void)
{
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return -errno;
	return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT) || sigismember(&pending, SIGHUP) ||
			       sigismember(&pending, SIGQUIT)
		       ? -EINTR
		       : 0;
}

static void engine_main(struct cr_ctx *ctx, struct verdict *verdict, pid_t parent, int (*engine)(void *arg), void *arg)
{
	struct cr_error *error = ctx->error;

	setsid();
	/* Neither a log nor an image that can't be written may end it while a task runs something of ours. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died before the line above */
		raise(SIGTERM);
	ctx->error = &verdict->error;
	verdict->result = engine(arg);
	verdict->given = true;
	ctx->error = error;
	kill(parent, SIGNAL_VERDICT);
	_exit(0);
}

/*
 * Waits for the engine's end, or just its verdict: freeing what it holds may take it a while. Passes requests to end
 * on to it.
 */
static int wait_for_engine(pid_t engine, const struct verdict *verdict, const sigset_t *waited)
{
	int status, signo;

	for (;;) {
		pid_t pid = waitpid(engine, &status, WNOHANG);

		if (pid == engine)
			return status;
		if (pid < 0 && errno != EINTR)
			return -errno;
		if (verdict->given)
			return 0;
		signo = sigwaitinfo(waited, NULL);
		if (signo > 0 && signo != SIGCHLD && signo != SIGNAL_VERDICT)
			kill(engine, SIGTERM);
	}
}

int supervise(struct cr_ctx *ctx, int (*engine)(void *arg), void *arg)
{
	/* Where SIGCHLD is ignored nobody could be waited for, neither the engine nor its tracees. */
	const struct sigaction noticed = { .sa_handler = SIG_DFL };
	struct sigaction saved_action;
	sigset_t waited, saved;
	struct verdict *verdict;
	pid_t parent = getpid(), child;
	int status, r;

	verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (verdict == MAP_FAILED)
		return cr_fail_errno(ctx, -errno, "Can't share memory with the engine");
	cancel_signals(&waited);
	sigaddset(&waited, SIGCHLD);
	sigaddset(&waited, SIGNAL_VERDICT);
	sigprocmask(SIG_BLOCK, &waited, &saved);
	sigaction(SIGCHLD, &noticed, &saved_action);
	child = fork();
	if (child < 0) {
		r = cr_fail_errno(ctx, -errno, "Can't start the engine");
		goto out;
	}
	if (child == 0)
		engine_main(ctx, verdict, parent, engine, arg);
	status = wait_for_engine(child, verdict, &waited);
	if (verdict->given)
		r = verdict->result;
	else if (status >= 0 && WIFSIGNALED(status))
		r = cr_fail(ctx, -ECHILD, "The engine was killed by signal %d", WTERMSIG(status));
	else
		r = cr_fail(ctx, -ECHILD, "The engine ended without a result");
	if (verdict->error.taken)
		cr_fail_at(ctx, verdict->error.code, verdict->error.file, verdict->error.line, "%s",
			   verdict->error.text);
out:
	sigaction(SIGCHLD, &saved_action, NULL);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	munmap(verdict, sizeof(*verdict));
	return r;
}
