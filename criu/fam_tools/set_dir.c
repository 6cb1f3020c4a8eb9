/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/set.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/str.h"

#define INVENTORY "inventory.img"

int set_each_file(int dirfd, int (*each)(void *arg, const char *name), void *arg)
{
	_cleanup_close_ int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir)
		return -errno;
	fd = -1;
	while (errno = 0, (e = readdir(dir))) {
		struct stat st;
		int r;

		if (fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		r = each(arg, e->d_name);
		if (r)
			return r;
	}
	return -errno;
}

static int is_empty(int dirfd)
{
	_cleanup_close_ int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir)
		return -errno;
	fd = -1;
	while (errno = 0, (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			return -ENOTEMPTY;
	return -errno;
}

int new_dir_open(struct cr_ctx *ctx, const char *path, struct new_dir *ret)
{
	int err;

	*ret = NEW_DIR_NONE;
	if (!mkdir(path, 0700))
		ret->made = true;
	else if (errno != EEXIST)
		return cr_fail_errno(ctx, -errno, "Can't make the directory %s", path);
	ret->path = realpath(path, NULL);
	ret->dirfd = ret->path ? open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (ret->dirfd < 0)
		return cr_fail_errno(ctx, -errno, "Can't open the directory %s", path);
	err = is_empty(ret->dirfd);
	if (err)
		return cr_fail_errno(ctx, err, "Can't make a set of images in %s", path);
	ret->filled = true;
	return 0;
}

/* A file system of our own, mounted nowhere: it ends with its descriptor, however we end. fsopen(2), fsmount(2). */
static int private_tmpfs(void)
{
	_cleanup_close_ int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), mount = -1;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0700", 0) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return mount < 0 ? -1 : openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int new_dir_scratch(struct cr_ctx *ctx, struct new_dir *ret)
{
	const char *tmp = getenv("TMPDIR");

	*ret = NEW_DIR_NONE;
	ret->dirfd = private_tmpfs();
	if (ret->dirfd >= 0)
		return 0;
	ret->path = str_printf("%s/criu-fam.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!ret->path)
		return cr_fail_errno(ctx, -ENOMEM, "Can't make a temporary directory");
	if (!mkdtemp(ret->path))
		return cr_fail_errno(ctx, -errno, "Can't make the temporary directory %s", ret->path);
	ret->made = ret->filled = true;
	ret->dirfd = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret->dirfd < 0 ? cr_fail_errno(ctx, -errno, "Can't open %s", ret->path) : 0;
}

static int remove_file(void *arg, const char *name)
{
	unlinkat(*(int *)arg, name, 0);
	return 0;
}

void new_dir_close(struct new_dir *dir)
{
	if (!dir->keep && dir->filled)
		set_each_file(dir->dirfd, remove_file, &dir->dirfd);
	if (!dir->keep && dir->made)
		rmdir(dir->path);
	close_fdp(&dir->dirfd);
	free(dir->path);
	*dir = NEW_DIR_NONE;
}

struct unpacking {
	struct cr_ctx *ctx;
	struct new_dir *dir;
	bool has_inventory;
};

static const char *where(const struct new_dir *dir)
{
	return dir->path ?: "memory";
}

static int unpack_one(void *arg, const char *name, const void *data, size_t len)
{
	struct unpacking *un = arg;
	_cleanup_close_ int fd = -1;
	int err;

	/* What a pool holds is untrusted: a name must not lead out of the directory, nor take another's place. */
	if (!*name || strchr(name, '/') || !str_ends(name, ".img") || strlen(name) > NAME_MAX)
		return cr_fail(un->ctx, -EPROTO, "The pool has a copy of an image with an impossible name");
	if (!strcmp(name, INVENTORY)) {
		un->has_inventory = true;
		name = FAM_INVENTORY_NEW;
	}
	fd = openat(un->dir->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return cr_fail_errno(un->ctx, -errno, "Can't make %s in %s", name, where(un->dir));
	err = write_full(fd, data, len);
	return err ? cr_fail_errno(un->ctx, err, "Can't write %s in %s", name, where(un->dir)) : 0;
}

int set_unpack(struct fam_checkpoint *cp, struct new_dir *dir)
{
	struct unpacking un = { .ctx = cp->pool->ctx, .dir = dir };
	int err = fam_checkpoint_images(cp, unpack_one, &un);

	if (err)
		return err;
	if (!un.has_inventory)
		return cr_fail(un.ctx, -EPROTO, "The pool's copy of the images has no inventory");
	return 0;
}

static int sync_one(void *arg, const char *name)
{
	_cleanup_close_ int fd = openat(*(int *)arg, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

int set_sync(struct cr_ctx *ctx, int dirfd)
{
	int err = set_each_file(dirfd, sync_one, &dirfd);

	err = err ?: sync_dir(dirfd);
	return err ? cr_fail_errno(ctx, err, "Can't make the images durable") : 0;
}

int set_commit(struct cr_ctx *ctx, struct new_dir *dir)
{
	int err = set_sync(ctx, dir->dirfd);

	if (err)
		return err;
	if (renameat(dir->dirfd, FAM_INVENTORY_NEW, dir->dirfd, INVENTORY) < 0)
		return cr_fail_errno(ctx, -errno, "Can't give " INVENTORY " its name");
	err = sync_dir(dir->dirfd);
	if (err) {
		/* Nobody knows whether it is a set: then it is none. */
		unlinkat(dir->dirfd, INVENTORY, 0);
		return cr_fail_errno(ctx, err, "Can't make " INVENTORY " durable");
	}
	dir->keep = true;
	return 0;
}
