/* SPDX-License-Identifier: GPL-2.0 */
/* Making a linear pool, of a device or of a new file on hugetlbfs. */
#include "fam/linear.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "fam/guard.h"
#include "fam/lock.h"

#define FILE_NEW LINEAR_FILE ".new"

/* Nobody uses what FD is, and it holds nothing, or that doesn't matter. */
static int check_vacant(const struct fam_init_args *args, const struct linear_medium *medium)
{
	const struct fam_fragment first = { 0, 1 };
	char *map, *copy;
	int r = linear_map(args->ctx, medium, &first, 1, false, &map);
	bool is_zero;

	if (r)
		return r;
	copy = malloc(LINEAR_BLOCK);
	r = copy ? linear_peek(copy, map, LINEAR_BLOCK) : -ENOMEM;
	is_zero = !r && !copy[0] && !memcmp(copy, copy + 1, LINEAR_BLOCK - 1);
	if (!r && !args->force && !memcmp(copy, LINEAR_MAGIC, sizeof(LINEAR_MAGIC)))
		r = cr_fail(args->ctx, -EEXIST, "%s is a pool already", args->path);
	else if (!r && !args->force && !is_zero)
		r = cr_fail(args->ctx, -EEXIST, "%s holds something: --force makes a pool of it all the same",
			    args->path);
	else if (r)
		cr_fail_errno(args->ctx, r, "Can't read %s", args->path);
	free(copy);
	munmap(map, LINEAR_BLOCK);
	return r;
}

static int put_supers(struct linear *linear, const struct fam_linear_super *super)
{
	static const uint64_t places[] = { 0, LINEAR_SUPER_COPY };
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(linear->head + places[i], super, sizeof(*super));
		r = fam_flush(&linear->flush, linear->head + places[i], sizeof(*super));
	}
	fam_fence(&linear->flush);
	return r;
}

/* It is the old pool, none, or the new one; never something of both. */
static int write_head(void *arg)
{
	struct linear *linear = arg;
	const struct fam_linear_super none = { 0 };
	int r = put_supers(linear, &none);

	if (!r)
		r = fam_flush_zero(&linear->flush, linear->head, linear->super.data_block * LINEAR_BLOCK);
	fam_fence(&linear->flush);
	return r ?: put_supers(linear, &linear->super);
}

static int make(struct linear *linear, const struct fam_init_args *args, const struct fam_flush_observer *observer)
{
	uint64_t size = args->size ? args->size : linear->medium.size;
	int r;

	if (size > linear->medium.size)
		return cr_fail(args->ctx, -EINVAL, "%s has %llu bytes: a pool of %llu doesn't fit", args->path,
			       (unsigned long long)linear->medium.size, (unsigned long long)size);
	if (fam_linear_layout(size, &linear->super))
		return cr_fail(args->ctx, -EINVAL, "A pool of %llu bytes can't be: 6 MiB at least, in steps of 2 MiB",
			       (unsigned long long)size);
	if (getrandom(linear->super.uuid, FAM_UUID_LEN, 0) != FAM_UUID_LEN)
		return -errno;
	linear->super.created = time(NULL);
	fam_linear_seal(&linear->super);
	r = linear_map_head(linear, true);
	if (!r)
		r = linear_choose_flush(linear, observer);
	if (!r)
		r = fam_guarded(write_head, linear);
	return r ? cr_fail_errno(args->ctx, r, "Can't make a pool of %s", args->path) : 0;
}

int linear_init_fd(const struct fam_init_args *args, int fd, const struct fam_flush_observer *observer)
{
	struct linear linear = { .pool.ctx = args->ctx };
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int r = fam_lock_exclusive(args->ctx, fd, args->path, 0);

	if (r)
		return r;
	if (fcntl(fd, F_OFD_SETLK, &all))
		r = cr_fail_errno(args->ctx, -errno, "A checkpoint of %s is being read", args->path);
	if (!r)
		r = linear_medium_probe(args->ctx, fd, args->path, &linear.medium);
	if (!r)
		r = linear.medium.size ? check_vacant(args, &linear.medium) : 0;
	if (!r)
		r = make(&linear, args, observer);
	if (linear.head)
		munmap(linear.head, linear.super.data_block * LINEAR_BLOCK);
	all.l_type = F_UNLCK;
	fcntl(fd, F_OFD_SETLK, &all);
	flock(fd, LOCK_UN);
	return r;
}

/* 1: the directory DIRFD has nothing, or what an init that was killed left there; 0: it has more; -errno. */
static int is_vacant(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), vacant = 1;
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		close_fdp(&fd);
		return -errno;
	}
	while (vacant && (entry = readdir(dir)))
		vacant =
			!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || !strcmp(entry->d_name, FILE_NEW);
	return vacant;
}

static int check_directory(const struct fam_init_args *args, int dirfd)
{
	int r = fam_lock_exclusive(args->ctx, dirfd, args->path, 0);

	if (r)
		return r;
	if (!args->size)
		return cr_fail(args->ctx, -EINVAL, "A pool on hugetlbfs needs a size: %s", args->path);
	if (!faccessat(dirfd, LINEAR_FILE, F_OK, AT_SYMLINK_NOFOLLOW))
		return cr_fail(args->ctx, -EEXIST, "%s is a pool already", args->path);
	r = is_vacant(dirfd);
	if (r < 0)
		return cr_fail_errno(args->ctx, r, "Can't look into %s", args->path);
	return r ? 0 : cr_fail(args->ctx, -EEXIST, "%s isn't empty: it can't become a pool", args->path);
}

/* With all its pages, as a pool. */
static int fill_file(const struct fam_init_args *args, int fd)
{
	while (fallocate(fd, 0, 0, args->size))
		if (errno != EINTR)
			return cr_fail_errno(args->ctx, errno == ENOMEM ? -ENOSPC : -errno,
					     "Can't have %llu bytes of huge pages for the pool %s",
					     (unsigned long long)args->size, args->path);
	return linear_init_fd(args, fd, NULL);
}

/* The file in a directory on hugetlbfs: it gets its name when it is whole. */
static int init_file(const struct fam_init_args *args, int dirfd, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	int r = check_directory(args, dirfd);

	if (r)
		return r;
	unlinkat(dirfd, FILE_NEW, 0);
	fd = openat(dirfd, FILE_NEW, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(dirfd, 0700))
		r = cr_fail_errno(args->ctx, -errno, "Can't make a pool in %s", args->path);
	if (!r)
		r = fill_file(args, fd);
	if (!r && renameat(dirfd, FILE_NEW, dirfd, LINEAR_FILE))
		r = cr_fail_errno(args->ctx, -errno, "Can't make %s/" LINEAR_FILE, args->path);
	if (r) {
		unlinkat(dirfd, FILE_NEW, 0);
		fchmod(dirfd, mode & 07777);
	}
	return r;
}

int linear_init(const struct fam_init_args *args)
{
	_cleanup_close_ int fd = open(args->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		fd = linear_medium_open(args->ctx, args->path, O_RDWR);
		return fd < 0 ? fd : linear_init_fd(args, fd, NULL);
	}
	if (fstat(fd, &st))
		return cr_fail_errno(args->ctx, -errno, "Can't look at %s", args->path);
	if (st.st_uid)
		return cr_fail(args->ctx, -EPERM, "%s belongs to user %u, not to root: it can't become a pool",
			       args->path, st.st_uid);
	return init_file(args, fd, st.st_mode);
}
