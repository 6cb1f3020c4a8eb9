/* SPDX-License-Identifier: GPL-2.0 */
/* AIO contexts: io_setup(2). */
#ifndef CRIU_DUMP_AIO_H
#define CRIU_DUMP_AIO_H

#include "dump/state.h"

/*
 * Refuses rings without their context, or that aren't whole, and waits until nothing is completed any more: no call
 * tells whether requests are under way. The parasite is in the task. 0, -EOPNOTSUPP, -EBUSY, -errno.
 */
int dump_check_rings(struct dump *d, struct task *task);
/* After their pages were stored: a request that was completed meanwhile would be lost. 0 or -EBUSY. */
int dump_check_rings_again(struct dump *d, struct task *task);

#endif
