/* SPDX-License-Identifier: GPL-2.0 */
/* A checkpoint as an ordinary set of images. */
#ifndef CRIU_FAM_TOOLS_EXPORT_H
#define CRIU_FAM_TOOLS_EXPORT_H

#include "fam/pool.h"

/*
 * Fills PATH, an empty directory or one that is made, from checkpoint ID of POOL: the copies of its images without
 * fam.img, and pages-N.img with the pages in the order of their pagemap. The inventory comes last, when all else is
 * durable. 0; or -errno (cr_fail), then PATH is as before.
 */
int fam_export(struct fam_pool *pool, uint64_t id, const char *path);

#endif
