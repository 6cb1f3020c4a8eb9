/* SPDX-License-Identifier: GPL-2.0 */
/* A created process from its first step to its jump into the restorer. Neither function returns. */
#ifndef CRIU_RESTORE_TASK_RUN_H
#define CRIU_RESTORE_TASK_RUN_H

#include "restore/engine.h"

/* The root task: opens what all share, then goes on like any other. */
__attribute__((noreturn)) void task_run_root(struct restore *r, struct restore_task *rt);
__attribute__((noreturn)) void task_run(struct restore *r, struct restore_task *rt);

#endif
