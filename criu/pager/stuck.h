/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mremap(2) of locked memory that grows and moves populates the new room before it tells of the move, and waits for
 * pages that can't be installed before that was read. Inner to pager/.
 */
#ifndef CRIU_PAGER_STUCK_H
#define CRIU_PAGER_STUCK_H

#include <stdbool.h>
#include <stdint.h>

#include "pager/memory.h"

/* If faults of M have waited for long: are some of that kind? Lets go of the new room, which is zero. */
bool stuck_help(struct pager_memory *m, uint64_t now_us);

#endif
