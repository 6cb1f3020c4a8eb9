/* SPDX-License-Identifier: GPL-2.0 */
/* fam.img of a set: which checkpoint of which pool has its pages, and where in it they are. */
#ifndef CRIU_FAM_IMAGE_H
#define CRIU_FAM_IMAGE_H

#include <stdint.h>

#include "base/cleanup.h"
#include "fam/layout.h"
#include "fam/pool.h"

struct fam_image {
	uint8_t uuid[FAM_UUID_LEN]; /* of the pool */
	uint64_t checkpoint;	    /* its id, never 0 */
	char *pool_dir;		    /* absolute; owned */
	struct fam_layout layout;   /* placed; owned */
};

/* Writes it. 0 or -errno (cr_fail). */
int fam_image_write(struct cr_ctx *ctx, int images_dirfd, const struct fam_image *image);
/*
 * Reads and checks it: lengths, order, alignment, that extents lie inside the content and share none of it. Free with
 * fam_image_free(). 0; -ENOENT, without cr_fail: the set has its pages in files; -EBADMSG and others (cr_fail).
 */
int fam_image_read(struct cr_ctx *ctx, int images_dirfd, struct fam_image *ret);
void fam_image_free(struct fam_image *image);
#define _cleanup_fam_image_ __cleanup(fam_image_free)

#endif
