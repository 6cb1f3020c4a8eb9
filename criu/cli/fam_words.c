/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/fam_words.h"

#include <strings.h>

#include "base/str.h"

#define WAIT_SECONDS 10 /* for another writer, without --timeout */

static bool may_be_id(const char *word)
{
	size_t digits = strspn(word, "0123456789abcdefABCDEF");

	return digits && !word[digits] && digits < FAM_ID_TEXT;
}

void fam_words_take(const struct cr_opts *opts, char **words, bool takes_ids, struct fam_words *ret)
{
	*ret = (struct fam_words){ .pool = opts->fam_dir, .ids = words };
	if (*words && !(takes_ids && may_be_id(*words))) {
		ret->pool = *words;
		ret->ids++;
	}
}

int fam_words_find(struct cr_ctx *ctx, const struct fam_info *list, size_t nr, const char *text)
{
	int found = -1;

	if (!may_be_id(text))
		return cr_fail(ctx, -EINVAL, "%s is no checkpoint's id: these are up to 16 hexadecimal digits", text);
	for (size_t i = 0; i < nr; i++) {
		char id[FAM_ID_TEXT];

		fam_id_print(list[i].id, id);
		if (strncasecmp(id, text, strlen(text)))
			continue;
		/* Of a damaged pool two may have the same: to be removed one after the other. */
		if (found >= 0 && list[found].id != list[i].id)
			return cr_fail(ctx, -ENOTUNIQ, "The ids of several checkpoints begin with %s", text);
		found = i;
	}
	return found < 0 ? cr_fail(ctx, -ENOENT, "The pool has no checkpoint %s", text) : found;
}

int fam_words_open(struct cr_ctx *ctx, const struct cr_opts *opts, const struct fam_words *words,
		   enum fam_access access, bool create, struct fam_pool **ret)
{
	struct fam_open_args args = {
		.ctx = ctx,
		.path = words->pool,
		.access = access,
		.create = create,
		.force = opts->force && access == FAM_WRITE,
		.wait_seconds = opts->timeout ?: WAIT_SECONDS,
	};

	if (!words->pool)
		return cr_fail(ctx, -EINVAL, "No pool was given: name it, or have fam-dir in a configuration file");
	return fam_pool_open(&args, ret);
}
