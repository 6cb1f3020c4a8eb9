/* SPDX-License-Identifier: GPL-2.0 */
/* From the metadata images to struct task_tree: everything is checked before a process is created. */
#ifndef CRIU_RESTORE_READ_H
#define CRIU_RESTORE_READ_H

#include "restore/engine.h"

/* Tasks and threads of one set; more is taken for damage. */
#define RESTORE_MAX_TASKS   16384
#define RESTORE_MAX_THREADS 262144

/* Reads all metadata into R->tree and R->fds. 0 or -errno, explained. */
int restore_read(struct restore *r);
/* Frees what restore_read() and the forking plan made. */
void restore_free_tree(struct restore *r);

/* Checks one core entry; LEADER: it has to have the task's part too. */
int core_validate(struct cr_ctx *ctx, pid_t tid, const CoreEntry *core, bool leader);

#endif
