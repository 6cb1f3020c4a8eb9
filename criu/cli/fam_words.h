/* SPDX-License-Identifier: GPL-2.0 */
/* What the words behind `criu fam COMMAND` mean: a pool, and checkpoints in it. */
#ifndef CRIU_CLI_FAM_WORDS_H
#define CRIU_CLI_FAM_WORDS_H

#include "cli/options.h"
#include "fam/pool.h"

struct fam_words {
	const char *pool; /* borrowed; NULL: none was given, not by --fam-dir either */
	char **ids;	  /* borrowed; those that were given, NULL-ended */
};

/*
 * The first word is the pool, unless TAKES_IDS and it could be an id (1 to 16 hexadecimal digits): a directory of such
 * a name is given as ./NAME. Without it, the pool is --fam-dir's.
 */
void fam_words_take(const struct cr_opts *opts, char **words, bool takes_ids, struct fam_words *ret);
/*
 * The one checkpoint of LIST whose id begins with TEXT: its place. -ENOENT; -ENOTUNIQ: several do; -EINVAL: no id; all
 * explained by cr_fail.
 */
int fam_words_find(struct cr_ctx *ctx, const struct fam_info *list, size_t nr, const char *text);
/* Opens the pool of WORDS; without one, -EINVAL. CREATE: an empty directory becomes one. As fam_pool_open(). */
int fam_words_open(struct cr_ctx *ctx, const struct cr_opts *opts, const struct fam_words *words,
		   enum fam_access access, bool create, struct fam_pool **ret);

#endif
