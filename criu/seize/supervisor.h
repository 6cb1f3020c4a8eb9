/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The small process that was started, and the engine that does the work as its child.
 *
 * A tracer that dies leaves its tracees running in the middle of whatever they were made to do. So the
 * process that a user starts (and may kill) traces nothing: it only waits. When it dies, the engine is
 * told (PR_SET_PDEATHSIG), gives everything back and ends; from the point of no return on it finishes instead.
 */
#ifndef CRIU_SEIZE_SUPERVISOR_H
#define CRIU_SEIZE_SUPERVISOR_H

#include "base/error.h"

/*
 * Runs ENGINE(ARG) in a child with a session of its own and returns what it returned: 0, a positive
 * exit status below 128, or -errno; -ECHILD when it was killed. CTX's error carries its message. Signals that would end
 * this process (SIGINT, SIGTERM, SIGHUP, SIGQUIT) are passed on as a request to cancel.
 */
int supervise(struct cr_ctx *ctx, int (*engine)(void *arg), void *arg);

/*
 * In the engine: -EINTR once it was asked to cancel (the first process died or got a signal), else 0.
 * A system call or two: cheap enough for loops over tasks and chunks.
 */
int supervise_cancelled(void);

#endif
