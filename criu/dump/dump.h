/* SPDX-License-Identifier: GPL-2.0 */
/* Dumping a process tree into an image directory. See criu(8). */
#ifndef CRIU_DUMP_DUMP_H
#define CRIU_DUMP_DUMP_H

#include <stddef.h>

#include "base/error.h"
#include "base/opts.h"
#include "base/phase.h"

/* The phases in their order, for CRIU_FAULT_PHASE. */
extern const struct phase dump_phases[];
extern const size_t dump_nr_phases;

/*
 * Dumps the tree of OPTS->tree_pid into OPTS->images_dirfd; stats-dump goes to the current directory.
 * Returns 0, a positive exit status of a post-dump script, or -errno after everything has been undone.
 */
int cr_dump(struct cr_ctx *ctx, const struct cr_opts *opts);

#endif
