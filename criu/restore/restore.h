/* SPDX-License-Identifier: GPL-2.0 */
/* Restoring a process tree from an image directory. See criu(8). */
#ifndef CRIU_RESTORE_RESTORE_H
#define CRIU_RESTORE_RESTORE_H

#include <stddef.h>

#include "base/error.h"
#include "base/opts.h"
#include "base/phase.h"

/* The phases in their order, for CRIU_FAULT_PHASE. */
extern const struct phase restore_phases[];
extern const size_t restore_nr_phases;

/*
 * Restores the tree of OPTS->images_dirfd; stats-restore and the pid file go to the current directory.
 * Returns 0 as soon as the tasks run (or are left stopped) and every process of its own has been waited for: what
 * children the caller then has are the restored root task, unless OPTS->restore_sibling. Waiting for it, or
 * executing OPTS->exec_cmd over it, is the caller's. -errno after everything created has been killed.
 */
int cr_restore(struct cr_ctx *ctx, const struct cr_opts *opts);

#endif
