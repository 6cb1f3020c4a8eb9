/* SPDX-License-Identifier: GPL-2.0 */
/* A dump whose pages go to a pool of fabric-attached memory: --fam-dir. Documentation/design/fam-format.md. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "dump/state.h"
#include "fam/image.h"
#include "fam/store.h"
#include "image/image.h"
#include "mem/pagemap.h"
#include "seize/supervisor.h"

#define FAM_IMAGE_NAME "fam.img"
/* Seconds to wait for another writer when --timeout doesn't say. */
#define DEFAULT_WAIT 10

struct dump_fam {
	struct fam_pool *pool;
	struct fam_checkpoint *cp;
	struct fam_image image;
	struct fam_source *sources; /* one per element of d->store */
	size_t nr_sources;
	uint64_t committed; /* the checkpoint's id; 0: not yet */
};

/* What the pool doesn't know of couldn't be removed with a checkpoint, and would stop every later writer. */
static int refuse_inside_pool(struct dump *d)
{
	_cleanup_close_ int fd = openat(d->images_dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat pool, here, above = { 0 };

	if (fstat(d->fam->pool->fd, &pool))
		return -errno;
	for (;;) {
		int up;

		if (fd < 0 || fstat(fd, &here))
			return cr_fail_errno(d->ctx, -errno, "Can't look at the images directory's path");
		if (here.st_dev == pool.st_dev && here.st_ino == pool.st_ino)
			return cr_fail(d->ctx, -EINVAL, "The images directory is inside of the pool %s",
				       d->fam->pool->path);
		if (here.st_dev == above.st_dev && here.st_ino == above.st_ino)
			return 0; /* the root */
		above = here;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close_fdp(&fd);
		fd = up;
	}
}

int dump_fam_open(struct dump *d)
{
	struct fam_open_args args = {
		.ctx = d->ctx,
		.path = d->opts->fam_dir,
		.access = FAM_WRITE,
		.create = true,
		.wait_seconds = d->opts->timeout ? d->opts->timeout : DEFAULT_WAIT,
	};
	struct dump_fam *fam;
	int r;

	if (!args.path)
		return 0;
	fam = calloc(1, sizeof(*fam));
	if (!fam)
		return -ENOMEM;
	r = fam_pool_open(&args, &fam->pool);
	if (r < 0) {
		free(fam);
		return cr_fail_errno(d->ctx, r, "Can't open the pool %s", args.path);
	}
	d->fam = fam;
	return refuse_inside_pool(d);
}

/* ---- the set that was there ---------------------------------------------------------------------------------- */

/* A checkpoint of another directory isn't ours to remove, whatever fam.img says. */
static bool is_of_directory(const struct fam_info *info, int images_dirfd)
{
	struct stat there, here;

	return !stat(info->images_dir, &there) && !fstat(images_dirfd, &here) && there.st_dev == here.st_dev &&
	       there.st_ino == here.st_ino;
}

/* What stays is an orphan from now on: no reason to fail. */
static void remove_old(struct dump *d, uint64_t id)
{
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { d->ctx->log, &error }, *own = d->fam->pool->ctx;
	struct fam_info *list = NULL;
	size_t nr = 0;
	int r;

	d->fam->pool->ctx = &ctx;
	r = fam_pool_list(d->fam->pool, &list, &nr);
	for (size_t i = 0; i < nr && !r; i++)
		if (list[i].id == id && is_of_directory(&list[i], d->images_dirfd))
			r = fam_checkpoint_remove(d->fam->pool, id);
	fam_list_free(list, nr);
	d->fam->pool->ctx = own;
	if (r < 0)
		log_warn(d->ctx->log, "The old set's checkpoint stays in the pool: %s",
			 error.taken ? error.text : strerror(-r));
}

/* Of an older set: pages-N.img, and pagemaps, whose names differ where a segment's number does. */
static bool is_of_pages(const char *name)
{
	const char *end = strrchr(name, '.');

	return (!strncmp(name, "pages-", 6) || !strncmp(name, "pagemap-", 8)) && end && !strcmp(end, ".img");
}

static int unlink_pages(struct dump *d)
{
	_cleanup_close_ int fd = openat(d->images_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir)
		return cr_fail_errno(d->ctx, -errno, "Can't list the images directory");
	fd = -1;
	while ((e = readdir(dir)))
		if (is_of_pages(e->d_name) && unlinkat(d->images_dirfd, e->d_name, 0))
			return cr_fail_errno(d->ctx, -errno, "Can't remove the old %s", e->d_name);
	return 0;
}

int dump_fam_invalidate(struct dump *d)
{
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { d->ctx->log, &error };
	struct fam_image old;

	/* A damaged one can't be followed. */
	if (!fam_image_read(&ctx, d->images_dirfd, &old)) {
		if (d->fam && !memcmp(old.uuid, d->fam->pool->uuid, FAM_UUID_LEN))
			remove_old(d, old.checkpoint);
		else
			log_warn(d->ctx->log, "The old set's pages stay in the pool %s until its orphans are removed",
				 old.pool_dir);
		fam_image_free(&old);
	}
	/* Of a dump that was killed. */
	unlinkat(d->images_dirfd, FAM_INVENTORY_NEW, 0);
	if (unlinkat(d->images_dirfd, FAM_IMAGE_NAME, 0) && errno != ENOENT)
		return cr_fail_errno(d->ctx, -errno, "Can't remove the old " FAM_IMAGE_NAME);
	return d->fam ? unlink_pages(d) : 0;
}

/* ---- the new one --------------------------------------------------------------------------------------------- */

static int lay_out_item(struct fam_layout *layout, const struct store_item *item)
{
	size_t nr = item->vmas ? item->vmas->nr : 0;
	_cleanup_free_ uint64_t *starts = calloc(nr + 1, sizeof(*starts));

	if (!starts)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		starts[i] = item->vmas->v[i].start;
	return fam_layout_add(layout, item->pages_id, &item->runs, starts, nr);
}

static int lay_out(struct dump *d)
{
	struct fam_layout *layout = &d->fam->image.layout;
	int r = 0;

	layout->holes = d->fam->pool->caps & FAM_CAP_HOLES;
	for (size_t i = 0; i < d->store.nr && !r; i++)
		r = lay_out_item(layout, &d->store.v[i]);
	return r ?: fam_layout_place(layout);
}

static int make_sources(struct dump *d)
{
	struct dump_fam *fam = d->fam;
	int r = 0;

	fam->sources = calloc(d->store.nr + 1, sizeof(*fam->sources));
	if (!fam->sources)
		return -ENOMEM;
	fam->nr_sources = d->store.nr;
	for (size_t i = 0; i < d->store.nr && !r; i++) {
		const struct store_item *item = &d->store.v[i];

		fam->sources[i] = (struct fam_source){
			.pages_id = item->pages_id,
			.runs = &item->runs,
			.pid = item->pid,
			.procfd = item->procfd,
			.memory = item->memory,
			.inject = item->inject,
			.inject_arg = item->inject_arg,
			.may_inject = item->may_inject,
		};
		r = fam_source_place(&fam->sources[i], &fam->image.layout);
	}
	return r;
}

int dump_fam_create(struct dump *d)
{
	_cleanup_free_ struct fam_range *used = NULL;
	struct dump_fam *fam = d->fam;
	size_t nr = 0;
	int r;

	if (!fam)
		return 0;
	r = lay_out(d);
	if (!r)
		r = make_sources(d);
	if (!r)
		r = fam_sources_used(fam->sources, fam->nr_sources, &used, &nr);
	if (!r)
		r = fam_checkpoint_create(fam->pool, fam->image.layout.size, used, nr, &fam->cp);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't make a checkpoint in the pool %s", fam->pool->path) : 0;
}

static int cancelled(void *arg)
{
	return supervise_cancelled();
}

static int write_pagemaps(struct dump *d, struct store_stats *stats)
{
	int r = 0;

	for (size_t i = 0; i < d->store.nr && !r; i++) {
		const struct store_item *item = &d->store.v[i];
		const struct page_run_list *stored = &d->fam->sources[i].stored;

		r = pagemap_write(d->ctx, d->images_dirfd, item->kind, item->id, item->pages_id, stored);
		stats->nr_shared_pages += item->kind == IMG_SHMEM_PAGEMAP ? stored->nr_present : 0;
	}
	return r;
}

static int write_fam_image(struct dump *d)
{
	struct dump_fam *fam = d->fam;
	struct fam_image *image = &fam->image;

	memcpy(image->uuid, fam->pool->uuid, FAM_UUID_LEN);
	image->checkpoint = fam->cp->id;
	image->pool_dir = strdup(fam->pool->path);
	return image->pool_dir ? fam_image_write(d->ctx, d->images_dirfd, image) : -ENOMEM;
}

int dump_fam_store(struct dump *d, struct store_stats *stats)
{
	struct dump_fam *fam = d->fam;
	struct fam_store_args args = {
		.ctx = d->ctx,
		.cp = fam->cp,
		.layout = &fam->image.layout,
		.sources = fam->sources,
		.nr = fam->nr_sources,
		.nr_threads = d->opts->fam_threads,
		.capture = d->opts->capture,
		.verify = d->opts->fam_verify,
		.cancelled = cancelled,
	};
	struct fam_store_stats stored;
	uint64_t copied;
	int r = fam_store(&args, &stored);

	if (!r)
		r = write_pagemaps(d, stats);
	if (!r)
		r = write_fam_image(d);
	if (r)
		return r;
	copied = now_us();
	r = fam_checkpoint_flush(fam->cp);
	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't make the pages in the pool durable");
	stats->nr_pages = stored.nr_pages;
	stats->copy_us = stored.us;
	stats->sync_us = now_us() - copied;
	log_info(d->ctx->log,
		 "Pool %s: %lu pages stored, %lu zero ones left out (%lu by the tasks, others %s, %u threads): copy "
		 "%lu, "
		 "flush %lu us",
		 fam->pool->path, (unsigned long)stored.nr_pages, (unsigned long)stored.nr_zero,
		 (unsigned long)stored.nr_by_task, stored.way, stored.nr_threads, (unsigned long)stats->copy_us,
		 (unsigned long)stats->sync_us);
	return 0;
}

int dump_fam_commit(struct dump *d)
{
	struct dump_fam *fam = d->fam;
	struct fam_commit args = {
		.images_dirfd = d->images_dirfd,
		.images_dir = d->opts->images_dir,
		.flags = d->opts->fam_keep ? FAM_KEEP : 0,
	};
	int r = fam_checkpoint_commit(fam->cp, &args);

	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't commit the checkpoint in the pool %s", fam->pool->path);
	fam->committed = fam->cp->id;
	d->committed = true;
	if (renameat(d->images_dirfd, FAM_INVENTORY_NEW, d->images_dirfd, INVENTORY_NAME))
		return cr_fail_errno(d->ctx, -errno, "Can't rename " FAM_INVENTORY_NEW);
	r = sync_dir(d->images_dirfd);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't sync the images directory") : 0;
}

/* ---- undoing ------------------------------------------------------------------------------------------------- */

void dump_fam_drop(struct dump *d)
{
	if (!d->fam)
		return;
	fam_checkpoint_close(&d->fam->cp);
	unlinkat(d->images_dirfd, FAM_IMAGE_NAME, 0);
}

void dump_fam_uncommit(struct dump *d)
{
	int r;

	if (!d->fam || !d->fam->committed)
		return;
	fam_checkpoint_close(&d->fam->cp);
	r = fam_checkpoint_remove(d->fam->pool, d->fam->committed);
	if (r < 0)
		log_warn(d->ctx->log, "Can't remove the checkpoint again: %s", strerror(-r));
}

void dump_fam_close(struct dump *d)
{
	struct dump_fam *fam = d->fam;

	if (!fam)
		return;
	fam_checkpoint_close(&fam->cp);
	fam_sources_free(fam->sources, fam->nr_sources);
	fam_image_free(&fam->image);
	fam_pool_close(&fam->pool);
	free(fam);
	d->fam = NULL;
}
