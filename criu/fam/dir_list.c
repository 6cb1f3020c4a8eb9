/* SPDX-License-Identifier: GPL-2.0 */
/* What checkpoints a directory pool has, and freeing what a killed writer left. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fam/dir.h"
#include "fam/record.h"
#include "fam/secure.h"
#include "fam/state.h"

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int dir_ids(struct dir_pool *d, int dirfd, uint64_t **ret, size_t *ret_nr)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	_cleanup_free_ uint64_t *ids = NULL;
	size_t nr = 0, room = 0;
	struct dirent *entry;
	uint64_t id;

	if (!dir) {
		close_fdp(&fd);
		return cr_fail_errno(d->pool.ctx, -errno, "Can't read the pool %s", d->pool.path);
	}
	while ((errno = 0, entry = readdir(dir))) {
		uint64_t *p;

		if (fam_id_parse(entry->d_name, &id))
			continue;
		if (nr == room) {
			p = reallocarray(ids, room * 2 + 16, sizeof(*p));
			if (!p)
				return -ENOMEM;
			ids = p;
			room = room * 2 + 16;
		}
		ids[nr++] = id;
	}
	if (errno)
		return cr_fail_errno(d->pool.ctx, -errno, "Can't read the pool %s", d->pool.path);
	if (nr)
		qsort(ids, nr, sizeof(*ids), by_number);
	*ret = take_ptr(ids);
	*ret_nr = nr;
	return 0;
}

int dir_record_read(struct dir_pool *d, uint64_t id, int cp_dirfd, struct fam_info *ret)
{
	_cleanup_close_ int fd = fam_open_at(d->pool.ctx, cp_dirfd, d->pool.path, DIR_RECORD, O_RDONLY);
	char buf[sizeof(struct fam_record) + FAM_PATH_MAX + 1], text[FAM_ID_TEXT];
	uint8_t host[FAM_HOST_LEN];
	ssize_t len;
	int r;

	if (fd < 0)
		return fd;
	len = read(fd, buf, sizeof(buf));
	fam_id_print(id, text);
	if (len < 0)
		return cr_fail_errno(d->pool.ctx, -errno, "Can't read the record of checkpoint %s in %s", text,
				     d->pool.path);
	r = fam_record_parse(buf, len, d->pool.uuid, id, ret, host);
	if (r == -EPROTONOSUPPORT)
		return cr_fail(d->pool.ctx, r, "Checkpoint %s in %s is of another version", text, d->pool.path);
	if (r == -EPROTO)
		return cr_fail(d->pool.ctx, r, "The record of checkpoint %s in %s is damaged", text, d->pool.path);
	if (!r)
		ret->state = fam_images_state(d->pool.uuid, id, ret->images_dir, host, d->host.name);
	return r;
}

static uint64_t allocated(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : (uint64_t)st.st_blocks * 512;
}

/* DIRFD was checkpoints/NAME when it was opened: still, or was the checkpoint removed meanwhile? */
static bool is_there(struct dir_pool *d, const char *name, int dirfd)
{
	struct stat opened, now;

	return !fstat(dirfd, &opened) && !fstatat(d->checkpoints, name, &now, AT_SYMLINK_NOFOLLOW) &&
	       opened.st_ino == now.st_ino && opened.st_dev == now.st_dev;
}

/* A damaged one is an entry of the list, so that it can be removed and the others be seen. -ENOENT: it is gone. */
static int info_read(struct dir_pool *d, uint64_t id, struct fam_info *ret)
{
	struct cr_error ignored = { 0 };
	struct cr_ctx *ctx = d->pool.ctx, quiet = { ctx->log, &ignored };
	_cleanup_close_ int dirfd = -1;
	char name[FAM_ID_TEXT];
	struct stat mark;
	int r;

	fam_id_print(id, name);
	dirfd = fam_open_at(d->pool.ctx, d->checkpoints, d->pool.path, name, O_RDONLY | O_DIRECTORY);
	if (dirfd < 0)
		return dirfd;
	d->pool.ctx = &quiet;
	r = dir_record_read(d, id, dirfd, ret);
	d->pool.ctx = ctx;
	if (r && !is_there(d, name, dirfd))
		return -ENOENT;
	if (r == -EPROTO || r == -EPROTONOSUPPORT || r == -EPERM || r == -ENOENT) {
		*ret = (struct fam_info){ .id = id, .state = FAM_DAMAGED, .images_dir = strdup("") };
		if (ignored.taken)
			log_warn(ctx->log, "%s", ignored.text);
		else
			log_warn(ctx->log, "%s: checkpoint %s has no record", d->pool.path, name);
		r = ret->images_dir ? 0 : -ENOMEM;
	}
	if (!fstatat(dirfd, DIR_ORPHAN, &mark, AT_SYMLINK_NOFOLLOW) && mark.st_mtime > 0)
		ret->orphan_since = mark.st_mtime;
	ret->allocated = allocated(dirfd, DIR_PAGES) + allocated(dirfd, DIR_IMAGES);
	return r;
}

int dir_list(struct fam_pool *pool, struct fam_info **ret, size_t *ret_nr)
{
	struct dir_pool *d = dir_pool(pool);
	_cleanup_free_ uint64_t *ids = NULL;
	size_t nr_ids = 0, nr = 0;
	struct fam_info *list;
	int r = dir_ids(d, d->checkpoints, &ids, &nr_ids);

	if (r)
		return r;
	list = calloc(nr_ids + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; !r && i < nr_ids; i++) {
		r = info_read(d, ids[i], &list[nr]);
		if (!r)
			nr++;
		else if (r == -ENOENT)
			r = 0; /* removed meanwhile */
	}
	if (r) {
		fam_list_free(list, nr);
		return r;
	}
	*ret = list;
	*ret_nr = nr;
	return 0;
}

/* A mark that is lost begins the time of grace again, so it needn't be durable at once. */
int dir_note_orphan(struct fam_pool *pool, uint64_t id, uint64_t since)
{
	const struct timespec times[2] = { { since, 0 }, { since, 0 } };
	struct dir_pool *d = dir_pool(pool);
	_cleanup_close_ int dirfd = -1, fd = -1;
	char name[FAM_ID_TEXT];
	int r = 0;

	fam_id_print(id, name);
	dirfd = fam_open_at(pool->ctx, d->checkpoints, pool->path, name, O_RDONLY | O_DIRECTORY);
	if (dirfd < 0)
		return dirfd;
	if (!since) {
		r = unlinkat(dirfd, DIR_ORPHAN, 0) && errno != ENOENT ? -errno : 0;
	} else {
		fd = openat(dirfd, DIR_ORPHAN, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		if (fd < 0 || futimens(fd, times))
			r = -errno;
	}
	return r ? cr_fail_errno(pool->ctx, r, "Can't mark checkpoint %s in the pool %s", name, pool->path) : 0;
}

int dir_dissolve(struct dir_pool *d, uint64_t id)
{
	static const char *const names[] = { DIR_RECORD, DIR_IMAGES, DIR_ORPHAN };
	_cleanup_close_ int dirfd = -1;
	char name[FAM_ID_TEXT];
	int r;

	fam_id_print(id, name);
	dirfd = fam_open_at(d->pool.ctx, d->fresh, d->pool.path, name, O_RDONLY | O_DIRECTORY);
	if (dirfd < 0)
		return dirfd == -ENOENT ? 0 : dirfd;
	r = dir_space_give(d, dirfd, id);
	for (size_t i = 0; !r && i < sizeof(names) / sizeof(names[0]); i++)
		if (unlinkat(dirfd, names[i], 0) && errno != ENOENT)
			r = -errno;
	if (!r && unlinkat(d->fresh, name, AT_REMOVEDIR))
		r = -errno;
	if (r)
		cr_fail_errno(d->pool.ctx, r, "Can't remove %s/" DIR_NEW "/%s", d->pool.path, name);
	return r;
}

/*
 * A task that was storing its pages when its dump was killed may have the file open or mapped still, to write: then the
 * next checkpoint must not get it. A write lease is given only where nobody else has the file (fcntl(2), F_SETLEASE).
 */
static int drop_used_pages(struct dir_pool *d, uint64_t id)
{
	char name[FAM_ID_TEXT], path[FAM_ID_TEXT + 16];
	_cleanup_close_ int fd = -1;
	struct stat st;

	fam_id_print(id, name);
	snprintf(path, sizeof(path), "%s/" DIR_PAGES, name);
	fd = openat(d->fresh, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	/* What is wrong with it dir_dissolve() tells; not all file systems have leases. */
	if (fd < 0 || !fcntl(fd, F_SETLEASE, F_WRLCK) || errno != EAGAIN)
		return 0;
	log_warn(d->pool.ctx->log, "%s: somebody still has the pages of checkpoint %s: they aren't used again",
		 d->pool.path, name);
	if (fstat(fd, &st) || unlinkat(d->fresh, path, 0))
		return cr_fail_errno(d->pool.ctx, -errno, "Can't remove %s/" DIR_NEW "/%s", d->pool.path, path);
	d->lost += (uint64_t)st.st_blocks * 512;
	return 0;
}

static int recover_new(struct dir_pool *d)
{
	_cleanup_free_ uint64_t *ids = NULL;
	size_t nr = 0;
	int r = dir_ids(d, d->fresh, &ids, &nr);

	for (size_t i = 0; !r && i < nr; i++) {
		log_info(d->pool.ctx->log, "%s: checkpoint %016llx was never finished: freed", d->pool.path,
			 (unsigned long long)ids[i]);
		r = drop_used_pages(d, ids[i]);
		if (!r)
			r = dir_dissolve(d, ids[i]);
	}
	return r;
}

/* A record was committed, the inventory of its set never got its name: 0 or -errno. */
static int recover_incomplete(struct dir_pool *d, uint64_t id)
{
	struct cr_error ignored = { 0 };
	struct cr_ctx *ctx = d->pool.ctx, quiet = { ctx->log, &ignored };
	struct fam_info info = { 0 };
	int r = info_read(d, id, &info);

	if (!r && info.state == FAM_INCOMPLETE) {
		log_info(ctx->log, "%s: checkpoint %016llx has no inventory: freed", d->pool.path,
			 (unsigned long long)id);
		d->pool.ctx = &quiet;
		r = dir_remove(&d->pool, id);
		d->pool.ctx = ctx;
		if (r == -EBUSY) /* the next writer's, then */
			r = 0;
		else if (r)
			cr_fail(ctx, r, "%s", ignored.text);
	}
	free(info.images_dir);
	return r;
}

int dir_recover(struct dir_pool *d)
{
	_cleanup_free_ uint64_t *ids = NULL;
	size_t nr = 0;
	int r = recover_new(d);

	if (!r)
		r = dir_ids(d, d->checkpoints, &ids, &nr);
	for (size_t i = 0; !r && i < nr; i++)
		r = recover_incomplete(d, ids[i]);
	return r;
}
