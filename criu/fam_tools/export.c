/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/export.h"

#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "fam/image.h"
#include "fam_tools/content.h"
#include "fam_tools/set.h"

struct exporting {
	struct cr_ctx *ctx;
	int fd; /* the pages image that is being written */
	const char *name;
};

static int write_pages(void *arg, const void *data, size_t len)
{
	struct exporting *ex = arg;
	int err = write_full(ex->fd, data, len);

	return err ? cr_fail_errno(ex->ctx, err, "Can't write %s", ex->name) : 0;
}

static int fail_pages(void *arg, int code, const char *text)
{
	struct exporting *ex = arg;

	return cr_fail(ex->ctx, code, "The checkpoint is damaged: %s", text);
}

static int export_pages(struct content_walk *walk, const struct pagemap *map, int dirfd)
{
	char name[IMAGE_NAME_MAX];
	_cleanup_close_ int fd = -1;
	struct exporting ex = { .ctx = walk->cp->pool->ctx, .name = name };
	int err = image_name(IMG_PAGES, name, sizeof(name), map->pages_id);

	if (err)
		return cr_fail_errno(ex.ctx, err, "Can't name the pages image %u", map->pages_id);
	ex.fd = fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return cr_fail_errno(ex.ctx, -errno, "Can't make %s", name);
	walk->arg = &ex;
	return content_walk(walk, map);
}

static int fill(struct fam_checkpoint *cp, struct new_dir *dir)
{
	_cleanup_set_pagemaps_ struct set_pagemaps maps = { 0 };
	_cleanup_fam_image_ struct fam_image image = { 0 };
	struct content_walk walk = { .cp = cp, .layout = &image.layout, .data = write_pages, .problem = fail_pages };
	struct cr_ctx *ctx = cp->pool->ctx;
	int err = set_unpack(cp, dir);

	err = err ?: fam_image_read(ctx, dir->dirfd, &image);
	if (err == -ENOENT)
		return cr_fail(ctx, -EPROTO, "The pool's copy of the images has no fam.img");
	if (!err && image.checkpoint != cp->id)
		return cr_fail(ctx, -EPROTO, "The pool's copy of fam.img is of another checkpoint");
	err = err ?: set_pagemaps_read(ctx, dir->dirfd, &maps);
	if (err)
		return err;
	if (unlinkat(dir->dirfd, "fam.img", 0) < 0)
		return cr_fail_errno(ctx, -errno, "Can't remove fam.img");
	walk.room = content_room(cp);
	for (size_t i = 0; i < maps.nr && !err; i++)
		err = export_pages(&walk, maps.v[i].map, dir->dirfd);
	return err ?: set_commit(ctx, dir);
}

int fam_export(struct fam_pool *pool, uint64_t id, const char *path)
{
	_cleanup_new_dir_ struct new_dir dir = NEW_DIR_NONE;
	struct fam_checkpoint *cp = NULL;
	int err = fam_checkpoint_open(pool, id, &cp);

	err = err ?: new_dir_open(pool->ctx, path, &dir);
	err = err ?: fill(cp, &dir);
	fam_checkpoint_close(&cp);
	return err;
}
