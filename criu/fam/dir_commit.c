/* SPDX-License-Identifier: GPL-2.0 */
/* Making a checkpoint of a directory pool visible, in one step, and removing it. */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fam/archive.h"
#include "fam/dir.h"
#include "fam/guard.h"
#include "fam/lock.h"
#include "fam/record.h"
#include "fam/secure.h"

static int put_in_file(void *arg, const void *data, size_t len)
{
	return write_full(*(const int *)arg, data, len);
}

static int new_file(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static int write_images(struct dir_checkpoint *c, int images_dirfd)
{
	struct cr_ctx *ctx = c->cp.pool->ctx;
	struct fam_archive_plan plan = { 0 };
	_cleanup_close_ int fd = -1;
	int r = fam_archive_plan(ctx, images_dirfd, &plan);

	if (!r)
		r = dir_space_reserve(dir_pool(c->cp.pool), plan.size);
	if (!r)
		r = fd = new_file(c->dirfd, DIR_IMAGES);
	if (r >= 0)
		r = fam_archive_write(ctx, images_dirfd, &plan, put_in_file, &fd);
	if (!r && fsync(fd))
		r = -errno;
	fam_archive_plan_free(&plan);
	return r ? cr_fail_errno(ctx, r, "Can't copy the images into the pool %s", c->cp.pool->path) : 0;
}

static int write_record(struct dir_checkpoint *c, const struct fam_commit *args)
{
	const struct fam_info info = {
		.id = c->cp.id,
		.flags = args->flags,
		.size = c->cp.size,
		.created = time(NULL),
		.images_dir = (char *)args->images_dir,
	};
	_cleanup_free_ void *record = NULL;
	_cleanup_close_ int fd = -1;
	size_t len;
	int r = fam_record_make(c->cp.pool->uuid, dir_pool(c->cp.pool)->host.name, &info, &record, &len);

	if (!r)
		r = fd = new_file(c->dirfd, DIR_RECORD);
	if (r >= 0)
		r = write_full(fd, record, len);
	if (!r && fsync(fd))
		r = -errno;
	if (!r)
		r = sync_dir(c->dirfd);
	return r ? cr_fail_errno(c->cp.pool->ctx, r, "Can't write a record in the pool %s", c->cp.pool->path) : 0;
}

/* From one directory to the other, durably in both. */
static int move(int from, int to, const char *name)
{
	int r;

	if (renameat(from, name, to, name))
		return -errno;
	r = sync_dir(to);
	return r ? r : sync_dir(from);
}

int dir_commit(struct fam_checkpoint *cp, const struct fam_commit *args)
{
	struct dir_checkpoint *c = dir_checkpoint(cp);
	struct dir_pool *d = dir_pool(cp->pool);
	char name[FAM_ID_TEXT];
	int r = write_images(c, args->images_dirfd);

	if (!r)
		r = write_record(c, args);
	if (!r)
		r = dir_lease_check(d);
	if (r)
		return r;
	fam_id_print(cp->id, name);
	r = move(d->fresh, d->checkpoints, name);
	if (r) {
		renameat(d->checkpoints, name, d->fresh, name);
		return cr_fail_errno(cp->pool->ctx, r, "Can't commit checkpoint %s in the pool %s", name,
				     cp->pool->path);
	}
	cp->committed = true;
	return 0;
}

/* Nobody reads the checkpoint of the directory DIRFD, and nobody begins to until *RET_FD is closed. */
static int lock_pages(struct dir_pool *d, int dirfd, const char *name, int *ret_fd)
{
	_cleanup_close_ int fd = fam_open_at(d->pool.ctx, dirfd, d->pool.path, DIR_PAGES, O_RDONLY);
	pid_t pid;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd; /* damaged: there is nothing to read */
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return cr_fail_errno(d->pool.ctx, -errno, "Can't lock checkpoint %s in %s", name, d->pool.path);
		pid = fam_lock_holder(fd);
		return cr_fail(d->pool.ctx, -EBUSY, "Checkpoint %s in %s is being read by process %d", name,
			       d->pool.path, pid);
	}
	*ret_fd = take_fd(fd);
	return 0;
}

int dir_remove(struct fam_pool *pool, uint64_t id)
{
	struct dir_pool *d = dir_pool(pool);
	_cleanup_close_ int dirfd = -1, pages = -1;
	char name[FAM_ID_TEXT];
	int r;

	fam_id_print(id, name);
	dirfd = fam_open_at(pool->ctx, d->checkpoints, pool->path, name, O_RDONLY | O_DIRECTORY);
	if (dirfd == -ENOENT)
		return cr_fail(pool->ctx, dirfd, "The pool %s has no checkpoint %s", pool->path, name);
	if (dirfd < 0)
		return dirfd;
	r = lock_pages(d, dirfd, name, &pages);
	if (!r)
		r = dir_lease_check(d);
	if (r)
		return r;
	r = move(d->checkpoints, d->fresh, name);
	if (r)
		return cr_fail_errno(pool->ctx, r, "Can't remove checkpoint %s from the pool %s", name, pool->path);
	return dir_dissolve(d, id);
}

struct images {
	const void *map;
	size_t len;
};

/* By fam_guarded(): the medium may have a bad place. */
static int check_images(void *arg)
{
	const struct images *images = arg;

	return fam_archive_read(images->map, images->len, NULL, NULL);
}

int dir_images(struct fam_checkpoint *cp, int (*each)(void *arg, const char *name, const void *data, size_t len),
	       void *arg)
{
	struct dir_checkpoint *c = dir_checkpoint(cp);
	_cleanup_close_ int fd = fam_open_at(cp->pool->ctx, c->dirfd, cp->pool->path, DIR_IMAGES, O_RDONLY);
	struct images images;
	struct stat st;
	void *map;
	int r;

	if (fd == -ENOENT || (fd >= 0 && (fstat(fd, &st) || !st.st_size)))
		return cr_fail(cp->pool->ctx, -EPROTO, "Checkpoint %016llx in %s has no copy of its images",
			       (unsigned long long)cp->id, cp->pool->path);
	if (fd < 0)
		return fd;
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return cr_fail_errno(cp->pool->ctx, -errno, "Can't map the copy of images in %s", cp->pool->path);
	images = (struct images){ map, st.st_size };
	r = fam_guarded(check_images, &images);
	if (r)
		r = cr_fail(cp->pool->ctx, r, "The copy of the images of checkpoint %016llx in %s %s",
			    (unsigned long long)cp->id, cp->pool->path, r == -EIO ? "can't be read" : "is damaged");
	else
		r = fam_archive_read(map, st.st_size, each, arg);
	munmap(map, st.st_size);
	return r;
}
