/* SPDX-License-Identifier: GPL-2.0 */
/* Directories as pools: made, opened, closed. */
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fam/dir.h"
#include "fam/lock.h"
#include "fam/pool_ops.h"
#include "fam/record.h"
#include "fam/secure.h"

#define SUPER_NEW "pool.new"

static bool dir_fits(int fd, const struct stat *st)
{
	return S_ISDIR(st->st_mode);
}

static bool is_in(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names))
		names++;
	return *names;
}

/* 1: the directory DIRFD has nothing but NAMES (ended by NULL); 0: it has; -errno. */
static int has_only(int dirfd, const char *const *names)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), only = 1;
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		close_fdp(&fd);
		return -errno;
	}
	while (only && (errno = 0, entry = readdir(dir)))
		only = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || is_in(entry->d_name, names);
	return only && errno ? -errno : only;
}

/* 1: there is nothing in POOL/, or what an init that was killed left there; 0: there is; -errno. */
static int is_vacant(int dirfd)
{
	static const char *const ours[] = { DIR_CHECKPOINTS, DIR_NEW, DIR_SPARE, SUPER_NEW, "lost+found", NULL };
	static const char *const nothing[] = { NULL };
	static const char *const kept[] = { DIR_CHECKPOINTS, DIR_NEW };
	int r = has_only(dirfd, ours);

	for (size_t i = 0; r == 1 && i < 2; i++) {
		_cleanup_close_ int fd = openat(dirfd, kept[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0)
			r = has_only(fd, nothing);
		else if (errno != ENOENT)
			r = -errno;
	}
	return r;
}

/* The directory is root's and vacant: closes it to others. */
static int claim(struct dir_pool *d, const char *path)
{
	struct stat st;
	int r;

	if (fstat(d->pool.fd, &st))
		return cr_fail_errno(d->pool.ctx, -errno, "Can't look at %s", path);
	if (st.st_uid)
		return cr_fail(d->pool.ctx, -EPERM, "%s belongs to user %u, not to root: it can't become a pool", path,
			       st.st_uid);
	if (!(st.st_mode & 077))
		return 0;
	if (fchmod(d->pool.fd, 0700))
		return cr_fail_errno(d->pool.ctx, -errno, "Can't close %s to others", path);
	r = is_vacant(d->pool.fd);
	if (r == 1)
		return 0;
	fchmod(d->pool.fd, st.st_mode & 07777);
	return cr_fail(d->pool.ctx, r ? r : -EEXIST, "%s isn't empty: it can't become a pool", path);
}

static int open_subdir(struct dir_pool *d, const char *path, const char *name, int *ret)
{
	int fd = fam_open_at(d->pool.ctx, d->pool.fd, path, name, O_RDONLY | O_DIRECTORY);

	if (fd == -ENOENT)
		return cr_fail(d->pool.ctx, -EPROTO, "The pool %s is damaged: it has no directory %s", path, name);
	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

static int open_subdirs(struct dir_pool *d, const char *path)
{
	int r = open_subdir(d, path, DIR_CHECKPOINTS, &d->checkpoints);

	if (!r)
		r = open_subdir(d, path, DIR_NEW, &d->fresh);
	return r ? r : open_subdir(d, path, DIR_SPARE, &d->spare);
}

static int write_super(struct dir_pool *d, uint64_t size)
{
	_cleanup_close_ int fd = -1;
	struct fam_super super;
	int r;

	if (getrandom(d->pool.uuid, FAM_UUID_LEN, 0) != FAM_UUID_LEN)
		return -EIO;
	fam_super_make(&super, d->pool.uuid, size, time(NULL));
	unlinkat(d->pool.fd, SUPER_NEW, 0);
	fd = openat(d->pool.fd, SUPER_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_full(fd, &super, sizeof(super));
	if (!r && (fsync(fd) || renameat(d->pool.fd, SUPER_NEW, d->pool.fd, DIR_SUPER)))
		r = -errno;
	return r ? r : sync_dir(d->pool.fd);
}

static void unmake(struct dir_pool *d)
{
	if (d->spare >= 0)
		dir_trim(&d->pool, 0);
	unlinkat(d->pool.fd, SUPER_NEW, 0);
	unlinkat(d->pool.fd, DIR_SUPER, 0);
	unlinkat(d->pool.fd, DIR_SPARE, AT_REMOVEDIR);
	unlinkat(d->pool.fd, DIR_NEW, AT_REMOVEDIR);
	unlinkat(d->pool.fd, DIR_CHECKPOINTS, AT_REMOVEDIR);
}

/* Makes a pool of the vacant directory, whose lock we have: its superblock comes last. */
static int make(struct dir_pool *d, const char *path, uint64_t size)
{
	static const char *const names[] = { DIR_CHECKPOINTS, DIR_NEW, DIR_SPARE };
	int r = claim(d, path);

	for (size_t i = 0; !r && i < sizeof(names) / sizeof(names[0]); i++)
		if (mkdirat(d->pool.fd, names[i], 0700) && errno != EEXIST)
			r = cr_fail_errno(d->pool.ctx, -errno, "Can't make %s/%s", path, names[i]);
	if (!r)
		r = open_subdirs(d, path);
	if (!r)
		r = dir_trim(&d->pool, 0); /* of an init that was killed */
	if (!r && size)
		r = dir_space_fill(d, size);
	if (r)
		return r;
	r = write_super(d, size);
	return r ? cr_fail_errno(d->pool.ctx, r, "Can't make %s a pool", path) : 0;
}

static void dir_close(struct fam_pool *pool)
{
	struct dir_pool *d = dir_pool(pool);

	dir_space_refill(d);
	dir_lease_give(d);
	/* By its name: a process forked meanwhile may have the descriptor, too. */
	if (d->lock_fd >= 0)
		flock(d->lock_fd, LOCK_UN);
	close_fdp(&d->lock_fd);
	close_fdp(&d->checkpoints);
	close_fdp(&d->fresh);
	close_fdp(&d->spare);
	close_fdp(&d->pool.fd);
	free(d);
}

static void dir_closep(struct dir_pool **d)
{
	if (*d)
		dir_close(&(*d)->pool);
}

/* Opens the directory and, to write, locks it. */
static int begin(struct cr_ctx *ctx, const char *path, enum fam_access access, unsigned wait_seconds,
		 struct dir_pool **ret)
{
	__cleanup(dir_closep) struct dir_pool *d = malloc(sizeof(*d));
	struct statfs fs;
	int r;

	if (!d)
		return -ENOMEM;
	*d = (struct dir_pool){ .lock_fd = -1, .checkpoints = -1, .fresh = -1, .spare = -1 };
	d->pool.ctx = ctx;
	d->pool.path = (char *)path; /* for messages, until open() has returned */
	d->pool.access = access;
	d->pool.fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->pool.fd < 0 || fstatfs(d->pool.fd, &fs))
		return cr_fail_errno(ctx, -errno, "Can't open the pool %s", path);
	d->is_tmpfs = fs.f_type == TMPFS_MAGIC;
	d->pool.caps = FAM_CAP_FILE | FAM_CAP_HOLES | (d->is_tmpfs ? FAM_CAP_UFFD : FAM_CAP_PMEM);
	if (access == FAM_WRITE) {
		if (faccessat(d->pool.fd, ".", W_OK, AT_EACCESS))
			return cr_fail_errno(ctx, -errno, "Can't write to the pool %s", path);
		d->lock_fd = openat(d->pool.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (d->lock_fd < 0)
			return cr_fail_errno(ctx, -errno, "Can't open the pool %s", path);
		r = fam_lock_exclusive(ctx, d->lock_fd, path, wait_seconds);
		if (r)
			return r;
	}
	r = dir_host_read(d, fs.f_type);
	if (!r)
		*ret = take_ptr(d);
	return r;
}

static int dir_init(const struct fam_init_args *args)
{
	__cleanup(dir_closep) struct dir_pool *d = NULL;
	int r = begin(args->ctx, args->path, FAM_WRITE, 0, &d);

	if (r)
		return r;
	if (!faccessat(d->pool.fd, DIR_SUPER, F_OK, AT_SYMLINK_NOFOLLOW))
		return cr_fail(args->ctx, -EEXIST, "%s is a pool already", args->path);
	r = is_vacant(d->pool.fd);
	if (r != 1)
		return r ? cr_fail_errno(args->ctx, r, "Can't look into %s", args->path)
			 : cr_fail(args->ctx, -EEXIST, "%s isn't empty: it can't become a pool", args->path);
	r = make(d, args->path, args->size);
	if (r)
		unmake(d);
	return r;
}

static int read_super(struct dir_pool *d, const char *path)
{
	struct fam_super super;
	_cleanup_close_ int fd = fam_open_at(d->pool.ctx, d->pool.fd, path, DIR_SUPER, O_RDONLY);
	char more;
	ssize_t len;
	int r;

	if (fd < 0)
		return fd;
	len = read(fd, &super, sizeof(super));
	if (len < 0)
		return cr_fail_errno(d->pool.ctx, -errno, "Can't read %s/" DIR_SUPER, path);
	r = fam_super_check(&super, len);
	if (!r && read(fd, &more, 1))
		r = -EPROTO;
	if (r == -EPROTONOSUPPORT)
		return cr_fail(d->pool.ctx, r, "The pool %s has version %u, this program knows %u", path, super.version,
			       FAM_VERSION);
	if (r)
		return cr_fail(d->pool.ctx, r, "The pool %s is damaged: %s/" DIR_SUPER " isn't a superblock", path,
			       path);
	memcpy(d->pool.uuid, super.uuid, FAM_UUID_LEN);
	d->pool.size = super.size;
	return 0;
}

static int dir_open(const struct fam_open_args *args, struct fam_pool **ret)
{
	__cleanup(dir_closep) struct dir_pool *d = NULL;
	struct stat st;
	int r = begin(args->ctx, args->path, args->access, args->wait_seconds, &d);

	if (r)
		return r;
	r = read_super(d, args->path);
	if (r == -ENOENT) {
		if (!args->create || is_vacant(d->pool.fd) != 1)
			return cr_fail(args->ctx, -EPROTO, "%s isn't a pool: `criu fam init` makes one", args->path);
		r = make(d, args->path, 0);
		if (r)
			unmake(d);
	}
	if (!r)
		r = fam_check_owner(args->ctx, d->pool.fd, args->path, &st);
	if (!r && d->checkpoints < 0)
		r = open_subdirs(d, args->path);
	if (!r && args->access == FAM_WRITE)
		r = dir_lease_take(d, args->wait_seconds, args->force);
	if (!r && args->access == FAM_WRITE)
		r = dir_recover(d);
	if (!r)
		*ret = &take_ptr(d)->pool;
	return r;
}

const struct fam_pool_ops fam_dir_ops = {
	.name = "directory",
	.fits = dir_fits,
	.init = dir_init,
	.open = dir_open,
	.close = dir_close,
	.create = dir_create,
	.flush = dir_flush,
	.commit = dir_commit,
	.close_checkpoint = dir_close_checkpoint,
	.open_checkpoint = dir_open_checkpoint,
	.remove = dir_remove,
	.note_orphan = dir_note_orphan,
	.list = dir_list,
	.usage = dir_usage,
	.trim = dir_trim,
	.images = dir_images,
};
