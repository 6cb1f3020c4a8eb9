/* SPDX-License-Identifier: GPL-2.0 */
/* The pages of a set that was dumped into a pool, as a restore reads them. */
#ifndef CRIU_FAM_SET_H
#define CRIU_FAM_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "fam/image.h"
#include "fam/pool.h"
#include "pages/run.h"
#include "pages/source.h"

struct fam_set {
	struct cr_ctx *ctx; /* borrowed */
	struct fam_image image;
	struct fam_pool *pool;
	struct fam_checkpoint *cp;
	bool lends;	  /* base is worth reading: large pages, or no file */
	uint64_t room;	  /* bytes that the content may have stored: pagemaps can't tell of more */
	uint64_t claimed; /* of them by fam_set_place() */
	/* All that was placed: what fam_set_verify() reads. */
	struct page_run_at *stored; /* owned */
	size_t nr_stored, room_stored;
};

/*
 * Opens the checkpoint that fam.img names, in the pool POOL_DIR, NULL: where the dump had it. *RET goes with
 * fam_set_close(), after all sources of it. 0, and *RET NULL where the pages are in files; -ENOENT no such pool or
 * checkpoint; -EXDEV another pool; -EBADMSG, -EPROTO damaged (all cr_fail).
 */
int fam_set_open(struct cr_ctx *ctx, int images_dirfd, const char *pool_dir, struct fam_set **ret);
void fam_set_close(struct fam_set **set);
/*
 * Gives the runs of the pagemap PAGES_ID their offsets, and cuts those that reach over several extents: *RUNS (owned by
 * the caller, of *NR) is replaced. 0; -EBADMSG: there are pages that no extent has, or too many (cr_fail).
 */
int fam_set_place(struct fam_set *set, uint32_t pages_id, struct page_run_at **runs, size_t *nr);
/*
 * Compares the checksums of all that was placed, by NR_THREADS threads (0: as many as measures best). 0; -ENODATA the
 * set has none; -EBADMSG they differ; -EIO the memory is bad (all cr_fail).
 */
int fam_set_verify(struct fam_set *set, unsigned nr_threads);
/*
 * A source of the whole content. It has SOURCE_HAS_FILE where the pool has files; base is set in any case. What it
 * reads from bad memory is an error. 0 or -ENOMEM. End it with source_close().
 */
int source_fam_open(const struct fam_set *set, struct page_source **ret);

#endif
