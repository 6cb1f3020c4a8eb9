/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/fam.h"

#include <ctype.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "fam_tools/medium.h"

int fam_view_open(struct cr_ctx *ctx, const struct cr_opts *opts, const struct fam_words *words, enum fam_access access,
		  struct fam_view *ret)
{
	int err;

	*ret = (struct fam_view){ 0 };
	err = fam_words_open(ctx, opts, words, access, false, &ret->pool);
	err = err ?: fam_pool_list(ret->pool, &ret->list, &ret->nr);
	if (err)
		fam_view_close(ret);
	return err;
}

void fam_view_close(struct fam_view *view)
{
	fam_list_free(view->list, view->nr);
	fam_pool_close(&view->pool);
	*view = (struct fam_view){ 0 };
}

int fam_status(struct cr_ctx *ctx, int result)
{
	if (!result)
		return EXIT_SUCCESS;
	cr_error_log(ctx, result);
	return EXIT_FAILURE;
}

const char *fam_state_name(enum fam_state state)
{
	switch (state) {
	case FAM_COMMITTED:
		return "committed";
	case FAM_INCOMPLETE:
		return "incomplete";
	case FAM_ORPHAN:
		return "orphan";
	case FAM_DAMAGED:
		return "damaged";
	}
	return "unknown";
}

const char *fam_size_text(uint64_t bytes, char text[FAM_SIZE_TEXT])
{
	static const char units[] = "\0KMGTPE";
	unsigned unit = 0;
	uint64_t whole = bytes, rest = 0;

	for (; whole >= 1024; unit++) {
		rest = whole % 1024;
		whole /= 1024;
	}
	if (whole < 10 && rest >= 52)
		snprintf(text, FAM_SIZE_TEXT, "%" PRIu64 ".%u%c", whole, (unsigned)(rest * 10 / 1024), units[unit]);
	else if (unit)
		snprintf(text, FAM_SIZE_TEXT, "%" PRIu64 "%c", whole, units[unit]);
	else
		snprintf(text, FAM_SIZE_TEXT, "%" PRIu64, whole);
	return text;
}

const char *fam_uuid_text(const struct fam_pool *pool, char text[FAM_UUID_TEXT])
{
	for (size_t i = 0; i < FAM_UUID_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", pool->uuid[i]);
	return text;
}

void fam_print_safe(const char *text)
{
	for (; *text; text++)
		putchar(iscntrl((unsigned char)*text) ? '?' : *text);
}

void fam_json_checkpoint(struct json *json, const struct fam_info *info)
{
	char id[FAM_ID_TEXT];

	fam_id_print(info->id, id);
	json_object_begin(json, NULL);
	json_string(json, "id", id);
	json_string(json, "state", fam_state_name(info->state));
	json_bool(json, "keep", info->flags & FAM_KEEP);
	json_number(json, "size", info->size);
	json_number(json, "allocated", info->allocated);
	json_number(json, "created", info->created);
	json_string(json, "images_dir", info->images_dir);
}

void fam_json_pool(struct json *json, const struct fam_pool *pool, const struct fam_usage *usage)
{
	char uuid[FAM_UUID_TEXT];

	json_object_begin(json, "pool");
	json_string(json, "path", pool->path);
	json_string(json, "uuid", fam_uuid_text(pool, uuid));
	json_string(json, "medium", fam_medium_name(pool));
	json_bool(json, "grows", !pool->size);
	json_number(json, "size", usage->size);
	json_number(json, "used", usage->used);
	json_number(json, "spare", usage->spare);
	json_object_end(json);
}
