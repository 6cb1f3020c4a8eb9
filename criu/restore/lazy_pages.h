/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages that have to be there before lazily restored tasks run. The kernel writes to some when a thread ends, and a
 * thread that ends isn't served: clear_child_tid, and what its robust list leads to. Others are touched so soon, or by
 * ptrace(2), that waiting for them makes no sense: stacks, code, restartable sequences.
 */
#ifndef CRIU_RESTORE_LAZY_PAGES_H
#define CRIU_RESTORE_LAZY_PAGES_H

#include "restore/engine.h"

/* Brings them into RT's memory by UFFD; they aren't missing in MEMORY any more. 0 or -errno (cr_fail). */
int lazy_pages_bring(struct restore *r, const struct restore_task *rt, int uffd, struct pager_memory *memory);

#endif
