/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/verify.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fam/image.h"
#include "fam_tools/content.h"
#include "fam_tools/set.h"

struct verifying {
	const struct verify_args *args;
	uint64_t id;
	struct cr_error error; /* what the part that is being looked at says; each has its first message */
	struct cr_ctx ctx;
};

static int tell(struct verifying *v, const char *text)
{
	return v->args->problem(v->args->arg, v->id, text);
}

/* A part failed with CODE, maybe explained. */
static int tell_error(struct verifying *v, int code, const char *what)
{
	_cleanup_free_ char *text = NULL;

	if (v->error.taken)
		text = strdup(v->error.text);
	else
		text = str_printf("%s: %s", what, strerrordesc_np(-code) ?: "unknown error");
	v->error = (struct cr_error){ 0 };
	return text ? tell(v, text) : -ENOMEM;
}

static int tell_content(void *arg, int code, const char *text)
{
	return tell(arg, text);
}

static int check_fam_image(struct verifying *v, const struct fam_checkpoint *cp, const struct fam_image *image)
{
	int err = 0;

	if (memcmp(image->uuid, cp->pool->uuid, FAM_UUID_LEN))
		err = tell(v, "its fam.img is of another pool");
	if (!err && image->checkpoint != v->id)
		err = tell(v, "its fam.img is of another checkpoint");
	if (!err && image->layout.size != cp->size)
		err = tell(v, "its fam.img tells of another size");
	return err;
}

static int check_pages(struct verifying *v, struct fam_checkpoint *cp, const struct fam_layout *layout,
		       const struct set_pagemaps *maps)
{
	struct content_walk walk = {
		.cp = cp, .layout = layout, .room = content_room(cp), .problem = tell_content, .arg = v
	};
	uint32_t unknown = 0;
	size_t at = 0;
	int err = 0;

	for (size_t i = 0; i < maps->nr && !err; i++)
		err = content_walk(&walk, maps->v[i].map);
	for (size_t i = 0; i < layout->nr && !err; i++) {
		uint32_t pages_id = layout->v[i].pages_id;
		char text[80];

		/* Both ascend. */
		while (at < maps->nr && maps->v[at].map->pages_id < pages_id)
			at++;
		if (pages_id == unknown || (at < maps->nr && maps->v[at].map->pages_id == pages_id))
			continue;
		unknown = pages_id;
		snprintf(text, sizeof(text), "no pagemap has the pages %u", pages_id);
		err = tell(v, text);
	}
	return err;
}

static int check_images(struct verifying *v, struct fam_checkpoint *cp, struct new_dir *dir)
{
	_cleanup_fam_image_ struct fam_image image = { 0 };
	_cleanup_set_pagemaps_ struct set_pagemaps maps = { 0 };
	int err = set_unpack(cp, dir);

	if (err)
		return tell_error(v, err, "the copy of its images");
	err = fam_image_read(&v->ctx, dir->dirfd, &image);
	if (err)
		return tell_error(v, err, "its fam.img");
	err = check_fam_image(v, cp, &image);
	if (err)
		return err;
	err = set_pagemaps_read(&v->ctx, dir->dirfd, &maps);
	if (err)
		return tell_error(v, err, "its pagemaps");
	return check_pages(v, cp, &image.layout, &maps);
}

/* A writer may have removed it since it was listed: that is no damage. */
static bool is_listed(struct fam_pool *pool, uint64_t id)
{
	struct fam_info *list;
	bool found = false;
	size_t nr;

	if (fam_pool_list(pool, &list, &nr))
		return true;
	for (size_t i = 0; i < nr; i++)
		found |= list[i].id == id;
	fam_list_free(list, nr);
	return found;
}

int verify_checkpoint(const struct verify_args *args, uint64_t id)
{
	_cleanup_new_dir_ struct new_dir dir = NEW_DIR_NONE;
	struct cr_ctx *outer = args->pool->ctx;
	struct verifying v = { .args = args, .id = id };
	struct fam_checkpoint *cp = NULL;
	int err = new_dir_scratch(outer, &dir);

	if (err)
		return err;
	v.ctx = (struct cr_ctx){ .log = outer->log, .error = &v.error };
	args->pool->ctx = &v.ctx;
	err = fam_checkpoint_open(args->pool, id, &cp);
	if (!err)
		err = check_images(&v, cp, &dir);
	else if (err != -ENOENT || is_listed(args->pool, id))
		err = tell_error(&v, err, "can't be opened");
	else
		err = 0;
	fam_checkpoint_close(&cp);
	args->pool->ctx = outer;
	return err;
}
