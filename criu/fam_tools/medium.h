/* SPDX-License-Identifier: GPL-2.0 */
/* What a pool stands on, for who has to know. */
#ifndef CRIU_FAM_TOOLS_MEDIUM_H
#define CRIU_FAM_TOOLS_MEDIUM_H

#include "fam/pool.h"

/*
 * "tmpfs", "hugetlbfs", "fsdax" (a file system with DAX), "devdax" (a device), or "file": another file system, where
 * all goes through the page cache, which is slower.
 */
const char *fam_medium_name(const struct fam_pool *pool);

#endif
