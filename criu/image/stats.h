/* SPDX-License-Identifier: GPL-2.0 */
/* The stats-dump and stats-restore files, that clients read from the work directory. */
#ifndef CRIU_IMAGE_STATS_H
#define CRIU_IMAGE_STATS_H

#include "base/stats.h"

/* Write the file in the directory that WORK_DIRFD is: 0 or -errno. Times too large for the file's 32 bits are cut. */
int stats_write_dump(int work_dirfd, const struct cr_dump_stats *stats);
int stats_write_restore(int work_dirfd, const struct cr_restore_stats *stats);

#endif
