/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The copy of a set's images that a pool keeps (fam/format.h): *.img but pages-*.img, which a set in a pool hasn't, and
 * FAM_INVENTORY_NEW as inventory.img.
 */
#ifndef CRIU_FAM_ARCHIVE_H
#define CRIU_FAM_ARCHIVE_H

#include "fam/format.h"

/* Which files are to be copied, and how large the archive will be. Zeroed is empty. */
struct fam_archive_plan {
	struct fam_archive_file *files; /* owned */
	size_t nr, room;
	uint64_t size; /* bytes of the archive */
};

/* Of the directory DIRFD. 0 or -errno (cr_fail). End with fam_archive_plan_free(). */
int fam_archive_plan(struct cr_ctx *ctx, int dirfd, struct fam_archive_plan *ret);
void fam_archive_plan_free(struct fam_archive_plan *plan);
/*
 * Calls PUT for the archive's bytes from the first to the last one, PLAN->size in all, until one returns not 0, which
 * is returned. 0 or -errno (cr_fail); -ESTALE: a file is no longer what was planned.
 */
int fam_archive_write(struct cr_ctx *ctx, int dirfd, const struct fam_archive_plan *plan,
		      int (*put)(void *arg, const void *data, size_t len), void *arg);

/*
 * Checks the archive of LEN bytes at BUF as a whole, then calls EACH for every file until one returns not 0, which is
 * returned. 0; -EPROTO: damaged; -EPROTONOSUPPORT: another version. EACH may be NULL. Pure, logs nothing.
 */
int fam_archive_read(const void *buf, size_t len,
		     int (*each)(void *arg, const char *name, const void *data, size_t len), void *arg);

#endif
