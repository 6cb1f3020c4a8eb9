/* SPDX-License-Identifier: GPL-2.0 */
/* Filling a task's memory from outside while its blob waits. */
#ifndef CRIU_RESTORE_FILL_TASK_H
#define CRIU_RESTORE_FILL_TASK_H

#include "restore/engine.h"

/* RT has stopped with a userfaultfd: takes it and starts to fill. The slot's futex tells the end. 0 or -errno. */
int fill_task_start(struct restore *r, struct restore_task *rt);

#endif
