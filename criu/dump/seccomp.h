/* SPDX-License-Identifier: GPL-2.0 */
/* Seccomp of a tree: what threads have, and its sleep while code of ours runs in them. */
#ifndef CRIU_DUMP_SECCOMP_H
#define CRIU_DUMP_SECCOMP_H

#include "dump/state.h"

/*
 * Reads what the threads of a task have and suspends it, so that system calls can be made in them. Must come before any
 * of those. 0, -EOPNOTSUPP, or another error, explained.
 */
int dump_seccomp_task(struct dump *d, const struct task *task);
/* Sets the fields of thread I's core. */
void dump_seccomp_core(const struct task *task, size_t i, ThreadCoreEntry *core);
/* Writes seccomp.img. */
int dump_seccomp_image(struct dump *d);

#endif
