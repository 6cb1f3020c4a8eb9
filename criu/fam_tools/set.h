/* SPDX-License-Identifier: GPL-2.0 */
/* A set of images as files: a directory to make or to give up, the copy that a pool keeps, all of its page maps. */
#ifndef CRIU_FAM_TOOLS_SET_H
#define CRIU_FAM_TOOLS_SET_H

#include "base/cleanup.h"
#include "fam/pool.h"
#include "image/image.h"
#include "mem/pagemap.h"

/* A directory that becomes a set, or goes again. Zeroed with dirfd -1 is none. */
struct new_dir {
	char *path; /* absolute; owned; NULL: it has none */
	int dirfd;
	bool made;   /* it wasn't there before */
	bool filled; /* we put files there: new_dir_close() takes them away unless it is kept */
	bool keep;
};
#define NEW_DIR_NONE ((struct new_dir){ .dirfd = -1 })

/* PATH is an empty directory, or is made (0700). 0; -ENOTEMPTY and others (cr_fail). new_dir_close() in any case. */
int new_dir_open(struct cr_ctx *ctx, const char *path, struct new_dir *ret);
/* The same for one that is never kept: in memory, or, who may not have that, below $TMPDIR or /tmp. */
int new_dir_scratch(struct cr_ctx *ctx, struct new_dir *ret);
/* Closes it; what isn't kept is removed with all that is in it. */
void new_dir_close(struct new_dir *dir);
#define _cleanup_new_dir_ __cleanup(new_dir_close)

/*
 * Writes the images that the pool keeps of CP into DIR; the inventory as FAM_INVENTORY_NEW, so that it is no set yet.
 * 0 or -errno (cr_fail).
 */
int set_unpack(struct fam_checkpoint *cp, struct new_dir *dir);
/*
 * Everything of DIR is made durable, then the inventory is given its name: from now on DIR is a set, and kept. 0 or
 * -errno (cr_fail).
 */
int set_commit(struct cr_ctx *ctx, struct new_dir *dir);
/* fsync(2) of each file of DIRFD, and of itself. 0 or -errno (cr_fail). */
int set_sync(struct cr_ctx *ctx, int dirfd);

struct set_pagemap {
	enum image_kind kind;
	unsigned long id; /* of the process, or the segment */
	struct pagemap *map;
};
struct set_pagemaps {
	struct set_pagemap *v; /* owned; by pages_id, each of its own */
	size_t nr;
};
/* All pagemaps of the set. 0; -EINVAL for damaged ones and others (cr_fail). set_pagemaps_free() in any case. */
int set_pagemaps_read(struct cr_ctx *ctx, int dirfd, struct set_pagemaps *ret);
void set_pagemaps_free(struct set_pagemaps *maps);
#define _cleanup_set_pagemaps_ __cleanup(set_pagemaps_free)

/* Calls EACH for every regular file of DIRFD, in no order, until it returns not 0, which is returned; or -errno. */
int set_each_file(int dirfd, int (*each)(void *arg, const char *name), void *arg);

#endif
