/* SPDX-License-Identifier: GPL-2.0 */
/* Files that a path leads to, at restore: opened again, and held against what the dump saw. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/dump.h"
#include "fd/reg.h"
#include "fd/restore.h"

#define BUILD_ID_WORDS_MAX 16
/* What makes or changes files must not be done again. O_TMPFILE's own bit stands beside O_DIRECTORY. */
#define CREATING (O_CREAT | O_EXCL | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

static const RegFileEntry *reg_of(const struct fd_file *file)
{
	return file->entry->reg;
}

int reg_check(struct fd_restore *restore, struct fd_file *file)
{
	const RegFileEntry *reg = reg_of(file);

	bool external = reg->has_ext && reg->ext;
	int nr;

	if ((!external && reg->name[0] != '/') || strlen(reg->name) >= PATH_MAX)
		return fd_bad(restore, file, "no absolute path");
	if (reg->pos > INT64_MAX || (reg->has_size && reg->size > INT64_MAX))
		return fd_bad(restore, file, "an impossible offset or size");
	if (reg->has_mode && !(reg->mode & S_IFMT))
		return fd_bad(restore, file, "a mode without a type");
	if (reg->n_build_id > BUILD_ID_WORDS_MAX)
		return fd_bad(restore, file, "an impossible build id");
	if (external && !inherit_has(restore, file, &nr))
		return cr_fail(restore->ctx, -EINVAL, "%s is an external file: --inherit-fd fd[N]:%s is needed",
			       reg->name, reg->name);
	return 0;
}

void reg_key(const struct fd_restore *restore, const struct fd_file *file, char *key)
{
	snprintf(key, FD_KEY_MAX, "%s", reg_of(file)->name);
}

static int check_mode(struct fd_restore *restore, const RegFileEntry *reg, mode_t mode)
{
	if (!reg->has_mode)
		return 0;
	if ((reg->mode ^ mode) & S_IFMT)
		return cr_fail(restore->ctx, -EINVAL, "%s is another kind of file than it was at dump", reg->name);
	if (((reg->mode ^ mode) & ~S_IFMT) && !restore->opts->skip_file_rwx_check)
		return cr_fail(restore->ctx, -EINVAL,
			       "%s has the mode %#o, but had %#o at dump (--skip-file-rwx-check doesn't compare them)",
			       reg->name, mode & ~S_IFMT, reg->mode & ~S_IFMT);
	return 0;
}

static int check_build_id(struct fd_restore *restore, const RegFileEntry *reg, int fd)
{
	_cleanup_free_ uint32_t *found = NULL;
	_cleanup_close_ int readable = -1;
	char name[32];
	size_t nr;
	int r;

	if (!reg->n_build_id || restore->opts->file_validation != VALIDATE_BUILDID)
		return 0;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	readable = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (readable < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't read %s to check it", reg->name);
	r = build_id_read(readable, &found, &nr);
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't read the build id of %s", reg->name);
	if (nr != reg->n_build_id || memcmp(found, reg->build_id, nr * sizeof(*found)))
		return cr_fail(restore->ctx, -EINVAL, "%s isn't the file it was at dump: its build id differs",
			       reg->name);
	return 0;
}

static int check_content(struct fd_restore *restore, const RegFileEntry *reg, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't look at %s", reg->name);
	if (reg->has_size && S_ISREG(st.st_mode) && (uint64_t)st.st_size != reg->size)
		return cr_fail(restore->ctx, -EINVAL, "%s has %" PRIu64 " bytes, but had %" PRIu64 " at dump",
			       reg->name, (uint64_t)st.st_size, reg->size);
	return check_build_id(restore, reg, fd);
}

int reg_open_as(struct fd_restore *restore, struct fd_file *file, int flags, int *ret)
{
	const RegFileEntry *reg = reg_of(file);
	const char *path = file->path ?: reg->name;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	/* Another kind of file in its place might block in open(2), or do something. */
	if (fstatat(AT_FDCWD, path, &st, (flags & O_NOFOLLOW) ? AT_SYMLINK_NOFOLLOW : 0) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't find %s", path);
	r = check_mode(restore, reg, st.st_mode);
	if (r < 0)
		return r;
	if ((flags & O_TMPFILE) == O_TMPFILE)
		flags &= ~O_DIRECTORY;
	fd = open(path, (flags & ~(CREATING | O_ASYNC)) | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't open %s", path);
	r = check_content(restore, reg, fd);
	if (r < 0)
		return r;
	*ret = take_fd(fd);
	return 0;
}

int reg_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	const RegFileEntry *reg = reg_of(file);
	int r = reg_open_as(restore, file, reg->flags, ret);

	if (r < 0)
		return r;
	/* The offset of a late one is set when what it shows is as it was. */
	if (reg->pos && !file->late && !(reg->flags & O_PATH) && lseek(*ret, reg->pos, SEEK_SET) < 0) {
		r = cr_fail_errno(restore->ctx, -errno, "Can't set the offset of %s", reg->name);
		close(*ret);
	}
	return r;
}
