/* SPDX-License-Identifier: GPL-2.0 */
/* Which blocks of a linear pool are free: bits in our own memory, made from what is committed. Pure. */
#ifndef CRIU_FAM_BLOCKS_H
#define CRIU_FAM_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NR blocks from FIRST on. Stands on the medium, too. */
struct fam_fragment {
	uint32_t first, nr;
};

struct fam_blocks {
	uint64_t *taken; /* owned */
	uint32_t nr, nr_free;
};

/* NR blocks, all free. 0 or -ENOMEM. Ends with fam_blocks_free(). */
int fam_blocks_init(struct fam_blocks *blocks, uint32_t nr);
void fam_blocks_free(struct fam_blocks *blocks);

/* False, and nothing changes: one of them doesn't exist or is taken. */
bool fam_blocks_take(struct fam_blocks *blocks, struct fam_fragment fragment);
void fam_blocks_give(struct fam_blocks *blocks, struct fam_fragment fragment);

/* The first free run at or behind AT; its length is 0 when there is none. */
struct fam_fragment fam_blocks_run(const struct fam_blocks *blocks, uint32_t at);
/*
 * Takes WANT blocks (not 0) in at most MAX fragments: the smallest free run that is large enough, else as few runs as
 * possible. Ascending. -ENOSPC: there aren't as many, or in too many pieces; -ENOMEM.
 */
int fam_blocks_find(struct fam_blocks *blocks, uint32_t want, struct fam_fragment *ret, size_t max, size_t *ret_nr);

#endif
