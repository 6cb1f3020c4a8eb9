/* SPDX-License-Identifier: GPL-2.0 */
/* The last of what a task does in the engine's code: it loads the restorer and jumps into it. */
#ifndef CRIU_RESTORE_BOOT_H
#define CRIU_RESTORE_BOOT_H

#include "restore/engine.h"

/*
 * Lays out the region (blob, arguments, stacks, shared memory) in a place that is free before and after, and goes.
 * Those that share their memory go when its owner has laid out the one region of all. Returns only -errno, explained.
 * slot->region_start and region_len tell where it is.
 */
int boot(struct restore *r, struct restore_task *rt);

/* Byte offset of a system call instruction in the loaded blob. -ENOENT: the blob has none. */
int boot_syscall_offset(unsigned long *ret);

#endif
