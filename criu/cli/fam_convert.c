/* SPDX-License-Identifier: GPL-2.0 */
/* `criu fam export` and `import`. */
#include "cli/fam.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "fam/image.h"
#include "fam_tools/export.h"
#include "fam_tools/import.h"

static int need_to(struct cr_ctx *ctx, const struct cr_opts *opts)
{
	return opts->to_dir ? 0 : cr_fail(ctx, -EINVAL, "Where to make the set wasn't told (--to DIR)");
}

static void print_result(const struct cr_opts *opts, const char *key, const char *value)
{
	struct json json = { .out = stdout };

	if (!opts->json) {
		printf("%s\n", value);
		return;
	}
	json_object_begin(&json, NULL);
	json_string(&json, key, value);
	json_object_end(&json);
}

/* The checkpoint that the set in -D has its pages in. */
static int export_set(struct cr_ctx *ctx, const struct cr_opts *opts, struct fam_words *given)
{
	_cleanup_close_ int dirfd = open(opts->images_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fam_image_ struct fam_image image = { 0 };
	struct fam_pool *pool = NULL;
	int err;

	if (dirfd < 0)
		return cr_fail_errno(ctx, -errno, "Can't open the images directory %s", opts->images_dir);
	err = fam_image_read(ctx, dirfd, &image);
	if (err == -ENOENT)
		return cr_fail(ctx, err, "The set in %s has no fam.img: its pages are in no pool", opts->images_dir);
	if (err)
		return err;
	given->pool = given->pool ?: image.pool_dir;
	err = fam_words_open(ctx, opts, given, FAM_READ, false, &pool);
	if (!err && memcmp(pool->uuid, image.uuid, FAM_UUID_LEN))
		err = cr_fail(ctx, -EPROTO, "%s isn't the pool that the set in %s belongs to", given->pool,
			      opts->images_dir);
	err = err ?: fam_export(pool, image.checkpoint, opts->to_dir);
	fam_pool_close(&pool);
	return err;
}

static int export_id(struct cr_ctx *ctx, const struct cr_opts *opts, const struct fam_words *given)
{
	_cleanup_fam_view_ struct fam_view view = { 0 };
	int err = fam_view_open(ctx, opts, given, FAM_READ, &view), at;

	if (err)
		return err;
	at = fam_words_find(ctx, view.list, view.nr, given->ids[0]);
	return at < 0 ? at : fam_export(view.pool, view.list[at].id, opts->to_dir);
}

int fam_run_export(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	struct fam_words given;
	int err = need_to(ctx, opts);

	fam_words_take(opts, words, true, &given);
	if (!err && (given.ids[0] ? !!given.ids[1] || !!opts->images_dir : !opts->images_dir))
		err = cr_fail(ctx, -EINVAL, "export takes one checkpoint, or the set that it belongs to (-D SET)");
	if (!err)
		err = given.ids[0] ? export_id(ctx, opts, &given) : export_set(ctx, opts, &given);
	if (!err)
		print_result(opts, "to", opts->to_dir);
	return fam_status(ctx, err);
}

int fam_run_import(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	struct import_args args = {
		.images_dir = opts->images_dir,
		.to = opts->to_dir,
		.checksums = opts->fam_verify,
		.flags = opts->fam_keep ? FAM_KEEP : 0,
	};
	int err = need_to(ctx, opts);
	struct fam_words given;
	char text[FAM_ID_TEXT];
	uint64_t id;

	fam_words_take(opts, words, false, &given);
	if (!err && !args.images_dir)
		err = cr_fail(ctx, -EINVAL, "No set of images was given (-D SET)");
	err = err ?: fam_words_open(ctx, opts, &given, FAM_WRITE, true, &args.pool);
	err = err ?: fam_import(&args, &id);
	fam_pool_close(&args.pool);
	if (err)
		return fam_status(ctx, err);
	fam_id_print(id, text);
	print_result(opts, "id", text);
	return EXIT_SUCCESS;
}
