/* SPDX-License-Identifier: GPL-2.0 */
/* Looking for damage in a pool. */
#ifndef CRIU_FAM_TOOLS_VERIFY_H
#define CRIU_FAM_TOOLS_VERIFY_H

#include "fam/pool.h"

struct verify_args {
	struct fam_pool *pool; /* FAM_READ */
	/* Is told of each thing that is wrong. Not 0 ends the search, and is returned. */
	int (*problem)(void *arg, uint64_t checkpoint, const char *text);
	void *arg;
};

/*
 * One checkpoint, whole: that it can be opened, its copy of the images and their fam.img against the pool, the page
 * maps against the extents; every stored page is read, and compared with the checksum of its extent if that has one. 0,
 * also with problems; -errno (cr_fail) where the search itself couldn't be done.
 */
int verify_checkpoint(const struct verify_args *args, uint64_t id);

#endif
