/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that are to share memory (CLONE_VM) share the engine's until the restorer replaces it. The C library knows
 * of one thread there, so they run its code in turns: only one does at any time, and passes the turn on while it waits.
 * One that shares its memory with nobody always has its turn.
 */
#ifndef CRIU_RESTORE_TURN_H
#define CRIU_RESTORE_TURN_H

#include "restore/engine.h"

struct clone_args; /* linux/sched.h */

/* Who has a memory of its own has the turn from its birth on; others take it first of all. */
void turn_begin(struct restore *r, struct restore_task *rt);
/* Nothing of the C library may be called after it. */
void turn_give(struct restore_task *rt);
void turn_take(struct restore *r, struct restore_task *rt);
/* Waits while *FUTEX is VALUE. Needs no turn. */
void wait_on(uint32_t *futex, uint32_t value);
void wake_all(uint32_t *futex);

/*
 * clone3(2) with CLONE_VM: the new process runs task_run(R, RT) on a stack of its own, when it has its turn. ARGS: all
 * but the stack. Its pid, or -1 and errno.
 */
pid_t turn_clone(struct restore *r, struct restore_task *rt, const struct clone_args *args);

#endif
