/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The engine as tracer. The root task is seized before its first step, and every process and thread that comes of
 * it is traced from its birth (PTRACE_O_TRACEFORK and so on): whatever ends or goes wrong in a task is an event
 * here, nothing has to be polled, and PTRACE_O_EXITKILL takes all of them down with the engine. ptrace(2).
 */
#ifndef CRIU_RESTORE_TRACE_H
#define CRIU_RESTORE_TRACE_H

#include "restore/engine.h"

/* Seizes the root task, which waits for us, with everything that will come of it. 0 or -errno, explained. */
int trace_root(struct restore *r);
/* Handles events until all tasks of the set are parked in the blob. 0 or the -errno of the first that failed. */
int trace_until_parked(struct restore *r);
/* Kills whatever was created, and reaps it. */
void trace_kill_all(struct restore *r);
/* Forgets what the tracer knows. */
void trace_free(struct restore *r);
/* The next stop of one thread that was just resumed: its wait status. -ESRCH when it ended. */
int trace_wait(struct restore *r, pid_t tid, int *ret_status);

#endif
