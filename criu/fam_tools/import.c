/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/import.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/str.h"
#include "fam/image.h"
#include "fam_tools/import_pages.h"
#include "fam_tools/set.h"

#define INVENTORY "inventory.img"

struct importing {
	const struct import_args *args;
	struct cr_ctx *ctx;
	int from; /* the ordinary set */
	struct new_dir to;
	struct set_pagemaps maps;
	struct import_pages *pages; /* maps.nr of them, and so of the next */
	struct fam_source *sources;
	struct fam_image image;
	struct fam_checkpoint *cp;
	bool has_inventory;
};

/* Pages go to the pool, pagemaps are written anew; what is no image isn't part of the set. */
static bool is_left_out(const struct importing *im, const char *name)
{
	if (!str_ends(name, ".img") || str_starts(name, "pages-"))
		return true;
	for (size_t i = 0; i < im->maps.nr; i++) {
		const struct set_pagemap *map = &im->maps.v[i];
		char other[IMAGE_NAME_MAX];

		if (!image_name(map->kind, other, sizeof(other), map->id) && !strcmp(name, other))
			return true;
	}
	return false;
}

static int copy_file(int from, int to)
{
	char buf[65536];

	for (;;) {
		ssize_t n = read(from, buf, sizeof(buf));
		int err = n > 0 ? write_full(to, buf, n) : 0;

		if (n <= 0 || err)
			return n < 0 ? -errno : err;
	}
}

static int copy_image(void *arg, const char *name)
{
	struct importing *im = arg;
	const char *as = name;
	_cleanup_close_ int from = -1, to = -1;
	int err;

	if (is_left_out(im, name))
		return 0;
	if (!strcmp(name, INVENTORY)) {
		im->has_inventory = true;
		as = FAM_INVENTORY_NEW;
	}
	from = openat(im->from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	to = from < 0 ? -1 : openat(im->to.dirfd, as, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	err = to < 0 ? -errno : copy_file(from, to);
	return err ? cr_fail_errno(im->ctx, err, "Can't copy %s to %s", name, im->to.path) : 0;
}

static int read_set(struct importing *im)
{
	const char *path = im->args->images_dir;
	int err;

	im->from = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (im->from < 0)
		return cr_fail_errno(im->ctx, -errno, "Can't open the images directory %s", path);
	if (!faccessat(im->from, "fam.img", F_OK, 0))
		return cr_fail(im->ctx, -EEXIST, "The pages of the set in %s are in a pool already", path);
	if (faccessat(im->from, INVENTORY, F_OK, 0))
		return cr_fail_errno(im->ctx, -errno, "There is no set of images in %s", path);
	err = set_pagemaps_read(im->ctx, im->from, &im->maps);
	if (err)
		return err;
	im->pages = calloc(im->maps.nr + 1, sizeof(*im->pages));
	im->sources = calloc(im->maps.nr + 1, sizeof(*im->sources));
	if (!im->pages || !im->sources)
		return cr_fail_errno(im->ctx, -ENOMEM, "Can't read the set");
	for (size_t i = 0; i < im->maps.nr && !err; i++)
		err = import_pages_find(im->ctx, im->from, &im->maps.v[i], &im->pages[i]);
	return err;
}

static int plan(struct importing *im)
{
	struct fam_layout *layout = &im->image.layout;
	struct fam_pool *pool = im->args->pool;
	int err = 0;

	memcpy(im->image.uuid, pool->uuid, FAM_UUID_LEN);
	im->image.pool_dir = strdup(pool->path);
	if (!im->image.pool_dir)
		return cr_fail_errno(im->ctx, -ENOMEM, "Can't plan the checkpoint");
	layout->holes = pool->caps & FAM_CAP_HOLES;
	for (size_t i = 0; i < im->maps.nr && !err; i++)
		err = fam_layout_add(layout, im->maps.v[i].map->pages_id, &im->pages[i].runs, im->pages[i].starts,
				     im->pages[i].nr_starts);
	err = err ?: fam_layout_place(layout);
	for (size_t i = 0; i < im->maps.nr && !err; i++) {
		im->sources[i].pages_id = im->maps.v[i].map->pages_id;
		im->sources[i].runs = &im->pages[i].runs;
		err = fam_source_place(&im->sources[i], layout);
	}
	return err ? cr_fail_errno(im->ctx, err, "Can't plan the checkpoint") : 0;
}

static int fill(struct importing *im)
{
	_cleanup_free_ struct fam_range *used = NULL;
	size_t nr;
	int err = fam_sources_used(im->sources, im->maps.nr, &used, &nr);

	if (err)
		return cr_fail_errno(im->ctx, err, "Can't plan the checkpoint");
	err = fam_checkpoint_create(im->args->pool, im->image.layout.size, used, nr, &im->cp);
	for (size_t i = 0; i < im->maps.nr && !err; i++) {
		err = import_pages_copy(im->cp, &im->sources[i], im->from, im->maps.v[i].map);
		if (!err && im->args->checksums)
			err = import_pages_checksum(im->cp, &im->sources[i], &im->image.layout);
	}
	return err ?: fam_checkpoint_flush(im->cp);
}

static int write_images(struct importing *im)
{
	int err = set_each_file(im->from, copy_image, im);

	if (err)
		return cr_fail_errno(im->ctx, err, "Can't copy the images");
	for (size_t i = 0; i < im->maps.nr && !err; i++) {
		const struct set_pagemap *map = &im->maps.v[i];

		err = pagemap_write(im->ctx, im->to.dirfd, map->kind, map->id, map->map->pages_id, &im->pages[i].runs);
	}
	im->image.checkpoint = im->cp->id;
	err = err ?: fam_image_write(im->ctx, im->to.dirfd, &im->image);
	return err ?: set_sync(im->ctx, im->to.dirfd);
}

static int commit(struct importing *im, uint64_t *ret_id)
{
	struct fam_pool *pool = im->args->pool;
	struct fam_commit args = { .images_dirfd = im->to.dirfd, .images_dir = im->to.path, .flags = im->args->flags };
	int err = fam_checkpoint_commit(im->cp, &args);

	if (err)
		return err;
	*ret_id = im->cp->id;
	fam_checkpoint_close(&im->cp);
	err = set_commit(im->ctx, &im->to);
	if (err)
		fam_checkpoint_remove(pool, *ret_id);
	return err;
}

int fam_import(const struct import_args *args, uint64_t *ret_id)
{
	struct importing im = { .args = args, .ctx = args->pool->ctx, .from = -1, .to = NEW_DIR_NONE };
	int err = read_set(&im);

	err = err ?: new_dir_open(im.ctx, args->to, &im.to);
	err = err ?: plan(&im);
	err = err ?: fill(&im);
	err = err ?: write_images(&im);
	err = err ?: commit(&im, ret_id);
	fam_checkpoint_close(&im.cp);
	fam_image_free(&im.image);
	for (size_t i = 0; im.pages && i < im.maps.nr; i++)
		import_pages_free(&im.pages[i]);
	free(im.pages);
	fam_sources_free(im.sources, im.maps.nr);
	set_pagemaps_free(&im.maps);
	new_dir_close(&im.to);
	close_fdp(&im.from);
	return err;
}
