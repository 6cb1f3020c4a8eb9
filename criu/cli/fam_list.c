/* SPDX-License-Identifier: GPL-2.0 */
/* `criu fam init`, `list` and `show`. */
#include "cli/fam.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "fam/image.h"
#include "fam_tools/medium.h"
#include "fam_tools/set.h"

#define TIME_TEXT 32

static const char *time_text(uint64_t seconds, char text[TIME_TEXT])
{
	time_t at = seconds;
	struct tm tm;

	if (!localtime_r(&at, &tm) || !strftime(text, TIME_TEXT, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(text, TIME_TEXT, "?");
	return text;
}

static void print_usage(const struct fam_pool *pool, const struct fam_usage *usage)
{
	char used[FAM_SIZE_TEXT], spare[FAM_SIZE_TEXT], size[FAM_SIZE_TEXT];

	printf("%s: %s used, %s spare of %s%s\n", fam_medium_name(pool), fam_size_text(usage->used, used),
	       fam_size_text(usage->spare, spare), fam_size_text(usage->size, size), pool->size ? "" : ", grows");
}

static void print_row(const struct fam_info *info)
{
	char id[FAM_ID_TEXT], size[FAM_SIZE_TEXT], allocated[FAM_SIZE_TEXT], created[TIME_TEXT];

	fam_id_print(info->id, id);
	printf("%s  %-10s  %6s  %6s  %-19s  %-4s  ", id, fam_state_name(info->state), fam_size_text(info->size, size),
	       fam_size_text(info->allocated, allocated), time_text(info->created, created),
	       info->flags & FAM_KEEP ? "yes" : "no");
	fam_print_safe(info->images_dir);
	putchar('\n');
}

static void print_list(const struct fam_view *view, const struct fam_usage *usage)
{
	printf("%-16s  %-10s  %6s  %6s  %-19s  %-4s  %s\n", "ID", "STATE", "SIZE", "TAKES", "CREATED", "KEEP",
	       "IMAGES");
	for (size_t i = 0; i < view->nr; i++)
		print_row(&view->list[i]);
	print_usage(view->pool, usage);
}

static void print_list_json(const struct fam_view *view, const struct fam_usage *usage)
{
	struct json json = { .out = stdout };

	json_object_begin(&json, NULL);
	fam_json_pool(&json, view->pool, usage);
	json_array_begin(&json, "checkpoints");
	for (size_t i = 0; i < view->nr; i++) {
		fam_json_checkpoint(&json, &view->list[i]);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_object_end(&json);
}

int fam_run_list(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	_cleanup_fam_view_ struct fam_view view = { 0 };
	struct fam_words given;
	struct fam_usage usage;
	int err;

	fam_words_take(opts, words, false, &given);
	err = fam_view_open(ctx, opts, &given, FAM_READ, &view);
	err = err ?: fam_pool_usage(view.pool, &usage);
	if (!err)
		(opts->json ? print_list_json : print_list)(&view, &usage);
	return fam_status(ctx, err);
}

static void print_made(const struct fam_pool *pool, const struct fam_usage *usage)
{
	char uuid[FAM_UUID_TEXT];

	printf("%s: pool %s\n", pool->path, fam_uuid_text(pool, uuid));
	print_usage(pool, usage);
	if (!strcmp(fam_medium_name(pool), "file"))
		printf("This file system has no DAX: pages go through the page cache, which is slower.\n");
}

int fam_run_init(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	_cleanup_fam_view_ struct fam_view view = { 0 };
	struct fam_words given;
	struct fam_usage usage;
	int err;

	fam_words_take(opts, words, false, &given);
	if (!given.pool) {
		err = cr_fail(ctx, -EINVAL, "No pool was given: name it, or have fam-dir in a configuration file");
	} else {
		struct fam_init_args args = {
			.ctx = ctx, .path = given.pool, .size = opts->fam_size, .force = opts->force
		};

		err = fam_pool_init(&args);
	}
	err = err ?: fam_view_open(ctx, opts, &given, FAM_READ, &view);
	err = err ?: fam_pool_usage(view.pool, &usage);
	if (!err && opts->json)
		print_list_json(&view, &usage);
	else if (!err)
		print_made(view.pool, &usage);
	return fam_status(ctx, err);
}

/* ---- show ---------------------------------------------------------------------------------------------------- */

struct shown_image {
	char *name; /* owned */
	uint64_t size;
};

struct showing {
	const struct fam_info *info;
	const struct fam_layout *layout;
	struct shown_image *images; /* owned, by name */
	size_t nr_images;
};

static int add_image(void *arg, const char *name, const void *data, size_t len)
{
	struct showing *sh = arg;
	struct shown_image *grown = reallocarray(sh->images, sh->nr_images + 1, sizeof(*sh->images));

	if (!grown)
		return -ENOMEM;
	sh->images = grown;
	sh->images[sh->nr_images].name = strdup(name);
	sh->images[sh->nr_images].size = len;
	return sh->images[sh->nr_images++].name ? 0 : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct shown_image *)a)->name, ((const struct shown_image *)b)->name);
}

static void showing_free(struct showing *sh)
{
	for (size_t i = 0; i < sh->nr_images; i++)
		free(sh->images[i].name);
	free(sh->images);
}

static void print_show(const struct showing *sh)
{
	const struct fam_info *info = sh->info;
	char size[FAM_SIZE_TEXT], allocated[FAM_SIZE_TEXT], id[FAM_ID_TEXT], created[TIME_TEXT];

	fam_id_print(info->id, id);
	printf("id:       %s\nstate:    %s\nkeep:     %s\nsize:     %s\ntakes:    %s\ncreated:  %s\nimages:   ", id,
	       fam_state_name(info->state), info->flags & FAM_KEEP ? "yes" : "no", fam_size_text(info->size, size),
	       fam_size_text(info->allocated, allocated), time_text(info->created, created));
	fam_print_safe(info->images_dir);
	printf("\n\n%8s  %18s  %6s  %18s  %8s\n", "PAGES", "ADDRESS", "SIZE", "OFFSET", "CRC32C");
	for (size_t i = 0; i < sh->layout->nr; i++) {
		const struct fam_extent *e = &sh->layout->v[i];

		printf("%8" PRIu32 "  %#18" PRIx64 "  %6s  %#18" PRIx64 "  ", e->pages_id, e->vaddr,
		       fam_size_text(e->len, size), e->offset);
		if (e->has_crc)
			printf("%08" PRIx32 "\n", e->crc32c);
		else
			printf("%8s\n", "-");
	}
	printf("\n%8s  IMAGE\n", "SIZE");
	for (size_t i = 0; i < sh->nr_images; i++) {
		printf("%8s  ", fam_size_text(sh->images[i].size, size));
		fam_print_safe(sh->images[i].name);
		putchar('\n');
	}
}

static void json_hex(struct json *json, const char *key, const char *format, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), format, value);
	json_string(json, key, text);
}

static void print_show_json(const struct showing *sh)
{
	struct json json = { .out = stdout };

	fam_json_checkpoint(&json, sh->info);
	json_array_begin(&json, "extents");
	for (size_t i = 0; i < sh->layout->nr; i++) {
		const struct fam_extent *e = &sh->layout->v[i];

		json_object_begin(&json, NULL);
		json_number(&json, "pages_id", e->pages_id);
		json_hex(&json, "vaddr", "0x%" PRIx64, e->vaddr);
		json_number(&json, "length", e->len);
		json_number(&json, "offset", e->offset);
		if (e->has_crc)
			json_hex(&json, "crc32c", "%08" PRIx64, e->crc32c);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_array_begin(&json, "images");
	for (size_t i = 0; i < sh->nr_images; i++) {
		json_object_begin(&json, NULL);
		json_string(&json, "name", sh->images[i].name);
		json_number(&json, "size", sh->images[i].size);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_object_end(&json);
}

static int show(struct cr_ctx *ctx, const struct cr_opts *opts, struct fam_view *view, const struct fam_info *info)
{
	_cleanup_new_dir_ struct new_dir dir = NEW_DIR_NONE;
	_cleanup_fam_image_ struct fam_image image = { 0 };
	struct showing sh = { .info = info, .layout = &image.layout };
	struct fam_checkpoint *cp = NULL;
	int err = fam_checkpoint_open(view->pool, info->id, &cp);

	err = err ?: fam_checkpoint_images(cp, add_image, &sh);
	err = err ?: new_dir_scratch(ctx, &dir);
	err = err ?: set_unpack(cp, &dir);
	err = err ?: fam_image_read(ctx, dir.dirfd, &image);
	if (!err) {
		qsort(sh.images, sh.nr_images, sizeof(*sh.images), by_name);
		(opts->json ? print_show_json : print_show)(&sh);
	}
	showing_free(&sh);
	fam_checkpoint_close(&cp);
	return err;
}

int fam_run_show(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	_cleanup_fam_view_ struct fam_view view = { 0 };
	struct fam_words given;
	int err;

	fam_words_take(opts, words, true, &given);
	if (!given.ids[0])
		return fam_status(ctx, cr_fail(ctx, -EINVAL, "No checkpoint was given"));
	if (given.ids[1])
		return fam_status(ctx, cr_fail(ctx, -EINVAL, "show takes one checkpoint"));
	err = fam_view_open(ctx, opts, &given, FAM_READ, &view);
	if (!err)
		err = fam_words_find(ctx, view.list, view.nr, given.ids[0]);
	if (err >= 0)
		err = show(ctx, opts, &view, &view.list[err]);
	return fam_status(ctx, err);
}
