/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPU affinity: sched_setaffinity(2). Images of CRIU have no field for it, so it stands in an image of our own.
 */
#ifndef CRIU_TASK_AFFINITY_H
#define CRIU_TASK_AFFINITY_H

#include "base/error.h"
#include "task/task.h"

/*
 * Writes affinity.img when a thread of TREE may not run on every CPU that is online; else removes one that an older
 * dump left. 0 or -errno.
 */
int affinity_dump(struct cr_ctx *ctx, int images_dirfd, const struct task_tree *tree);

/*
 * Applies affinity.img, if there is one, to the living threads it names; they have the ids of the images. A CPU set of
 * which this machine has none is left out with a warning. 0, -EBADMSG for a damaged image or one that names
 * threads which aren't TREE's, -errno.
 */
int affinity_restore(struct cr_ctx *ctx, int images_dirfd, const struct task_tree *tree);

#endif
