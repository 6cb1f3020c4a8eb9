/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Freeing the memory of a killed task takes 80 ms per GiB, and until that is done the task's files stay open and its
 * pid taken. A keeper holds on to the memory, so that the task is gone at once; the memory goes when this process ends,
 * which the one that was started doesn't wait for (seize/supervisor.h).
 */
#ifndef CRIU_SEIZE_KEEPER_H
#define CRIU_SEIZE_KEEPER_H

#include "task/task.h"

/*
 * Holds the memory of every task of TREE that has much, from now until this process ends. The tasks are stopped. Where
 * the kernel doesn't allow it (no userfaultfd) nothing is held, and killing takes longer.
 */
void keep_memory(const struct task_tree *tree);

#endif
