/* SPDX-License-Identifier: GPL-2.0 */
/* Filling a task's memory from outside while it waits. */
#ifndef CRIU_RESTORE_FILL_TASK_H
#define CRIU_RESTORE_FILL_TASK_H

#include "restore/engine.h"

/*
 * RT has stopped with a userfaultfd: takes it and starts to fill. The slot's futex tells the end. Where there is
 * none to be taken nothing is done. 0 or -errno.
 */
int fill_memory_start(struct restore *r, struct restore_task *rt);
/* The same for pages that the child inherits which RT forks next (restore/cow.h). */
int fill_inherited_start(struct restore *r, struct restore_task *rt);

#endif
