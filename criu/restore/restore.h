/* SPDX-License-Identifier: GPL-2.0 */
/* `criu restore`: from a set of images to running tasks. */
#ifndef CRIU_RESTORE_RESTORE_H
#define CRIU_RESTORE_RESTORE_H

#include <stddef.h>

#include "base/error.h"
#include "base/opts.h"
#include "base/phase.h"

/* In the order in which they run; for `CRIU_FAULT_PHASE` and those who list them. */
extern const struct phase restore_phases[];
extern const size_t restore_nr_phases;

/*
 * Restores the set in OPTS->images_dir. The current directory is the work directory (stats-restore, pid file).
 * With OPTS->restore_detached it returns once the tasks run; with OPTS->exec_cmd it does not return but becomes that
 * command; else it waits until the root task ends.
 *
 * 0, or -errno with the reason in CTX->error; -EEXIST: a pid is in use. After an error no task of the set is left,
 * and nothing that existed before has been changed.
 */
int cr_restore(struct cr_ctx *ctx, const struct cr_opts *opts);

#endif
