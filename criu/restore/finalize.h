/* SPDX-License-Identifier: GPL-2.0 */
/* From parked in the restorer to running as themselves. */
#ifndef CRIU_RESTORE_FINALIZE_H
#define CRIU_RESTORE_FINALIZE_H

#include "restore/engine.h"

/*
 * Every thread gets its registers, signal mask and scheduling, and the restorer is unmapped; those that were
 * stopped (with OPTS->final_state FINAL_STOP: all) are stopped. All stay traced. 0 or -errno, explained.
 */
int finalize_tasks(struct restore *r);

/* The point of no return: from here on the tasks outlive us. Nothing fails. */
void commit_tasks(struct restore *r);

/* Lets all tasks go. 0 or -errno: one had been killed meanwhile. */
int resume_tasks(struct restore *r);

#endif
