/* SPDX-License-Identifier: GPL-2.0 */
/* An ordinary set of images becomes a checkpoint of a pool and a set that refers to it. */
#ifndef CRIU_FAM_TOOLS_IMPORT_H
#define CRIU_FAM_TOOLS_IMPORT_H

#include "fam/pool.h"

struct import_args {
	struct fam_pool *pool;	/* FAM_WRITE */
	const char *images_dir; /* the ordinary set; it isn't changed */
	const char *to;		/* an empty directory, or one that is made: becomes the set without pages */
	bool checksums;		/* store them for the extents */
	unsigned flags;		/* FAM_KEEP */
};

/*
 * Pages that hold nothing but zeroes are left out where an absent page reads as zeroes, as a dump into a pool does. 0
 * and the checkpoint's id; or -errno (cr_fail), then neither the pool nor TO has changed.
 */
int fam_import(const struct import_args *args, uint64_t *ret_id);

#endif
