/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kind of pool: one table of operations, which pool.c goes by. Each has the contract of the function of pool.h that
 * has its name; what that says about arguments was checked before it is called (access, id, alignment, order of the
 * ranges). A kind's own state begins with struct fam_pool, and that of its checkpoints with struct fam_checkpoint.
 */
#ifndef CRIU_FAM_POOL_OPS_H
#define CRIU_FAM_POOL_OPS_H

#include <sys/stat.h>

#include "fam/pool.h"

struct fam_pool_ops {
	const char *name;
	/* Whether a pool of this kind stands on what FD is (O_PATH). */
	bool (*fits)(int fd, const struct stat *st);
	/* PATH is absolute and FITS said yes. */
	int (*init)(const struct fam_init_args *args);
	/*
	 * PATH is absolute and FITS said yes. Sets all of struct fam_pool but ops and path; checks owners
	 * (fam/secure.h), takes the writer's lock (fam/lock.h) and the lease, recovers.
	 */
	int (*open)(const struct fam_open_args *args, struct fam_pool **ret);
	/* Frees POOL; the path is freed by the caller. */
	void (*close)(struct fam_pool *pool);

	int (*create)(struct fam_pool *pool, uint64_t size, const struct fam_range *used, size_t nr,
		      struct fam_checkpoint **ret);
	int (*flush)(struct fam_checkpoint *cp);
	int (*commit)(struct fam_checkpoint *cp, const struct fam_commit *args);
	void (*close_checkpoint)(struct fam_checkpoint *cp); /* of either; frees CP */
	int (*open_checkpoint)(struct fam_pool *pool, uint64_t id, struct fam_checkpoint **ret);
	int (*remove)(struct fam_pool *pool, uint64_t id);
	int (*note_orphan)(struct fam_pool *pool, uint64_t id, uint64_t since);

	int (*list)(struct fam_pool *pool, struct fam_info **ret, size_t *ret_nr); /* in any order */
	int (*usage)(struct fam_pool *pool, struct fam_usage *ret);
	int (*trim)(struct fam_pool *pool, uint64_t keep);
	int (*images)(struct fam_checkpoint *cp, int (*each)(void *arg, const char *name, const void *data, size_t len),
		      void *arg);
};

extern const struct fam_pool_ops fam_dir_ops;
extern const struct fam_pool_ops fam_linear_ops;

#endif
