/* SPDX-License-Identifier: GPL-2.0 */
/* Files that a path leads to, at dump: regular files, directories, links, block devices and a few others. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "fd/dump.h"
#include "fd/reg.h"

#include "regfile.pb-c.h"

/* Devices without a state of their own, and where they are by convention: all of major number 1. */
static const struct {
	unsigned int minor;
	const char *path;
} stateless[] = {
	{ 3, "/dev/null" }, { 5, "/dev/zero" }, { 7, "/dev/full" }, { 8, "/dev/random" }, { 9, "/dev/urandom" },
};

/* NULL: it isn't one. */
static const char *stateless_device(dev_t dev)
{
	for (size_t i = 0; i < sizeof(stateless) / sizeof(stateless[0]); i++)
		if (major(dev) == 1 && minor(dev) == stateless[i].minor)
			return stateless[i].path;
	return NULL;
}

bool reg_match(const struct fd_object *obj)
{
	if (obj->link[0] != '/')
		return false;
	switch (obj->st.st_mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFBLK:
		return true;
	case S_IFCHR:
		return (obj->flags & O_PATH) || stateless_device(obj->st.st_rdev);
	default: /* an O_PATH descriptor does no more than name it */
		return obj->flags & O_PATH;
	}
}

int64_t reg_mount_of(int dirfd, const char *path, int flags)
{
	struct statx stx;

	if (statx(dirfd, path, flags | AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) < 0 || !(stx.stx_mask & STATX_MNT_ID))
		return -1;
	return stx.stx_mnt_id;
}

/* Is the nearest directory above NAME that exists in the mount of OBJ? Not so for memfd_create(2) and its like. */
static int on_mount_of_name(const struct fd_object *obj, const char *name)
{
	_cleanup_free_ char *dir = strdup(name);
	int64_t mount = reg_mount_of(obj->fd, "", AT_EMPTY_PATH);
	char *slash;

	if (!dir)
		return -ENOMEM;
	while ((slash = strrchr(dir, '/'))) {
		int64_t above;

		slash[slash == dir] = '\0';
		above = reg_mount_of(AT_FDCWD, dir, 0);
		if (above >= 0 || slash == dir)
			return above == mount;
	}
	return 0;
}

/* --evasive-devices: what can't be reached by its name is replaced by its like. *RET then is another name. */
static bool use_other_device(struct fd_dump *dump, const struct fd_object *obj, char **ret)
{
	const char *path = S_ISCHR(obj->st.st_mode) ? stateless_device(obj->st.st_rdev) : NULL;
	struct stat st;

	if (!dump->opts->evasive_devices || !path || stat(path, &st) < 0 || st.st_rdev != obj->st.st_rdev)
		return false;
	free(*ret);
	*ret = strdup(path);
	return true;
}

enum name_state {
	NAME_THERE,
	NAME_DELETED, /* the file has to be made anew first */
	NAME_LINKED,  /* the file is still there, under other names */
};

/* The name OBJ can be opened by. *RET goes with free(). */
static int find_name(struct fd_dump *dump, const struct fd_object *obj, char **ret, enum name_state *where)
{
	bool marked = str_ends(obj->link, FD_DELETED);
	struct stat st;
	int r;

	*ret = strdup(obj->link);
	if (!*ret)
		return -ENOMEM;
	*where = NAME_THERE;
	if (!fstatat(AT_FDCWD, obj->link, &st, AT_SYMLINK_NOFOLLOW) && st.st_dev == obj->st.st_dev &&
	    st.st_ino == obj->st.st_ino)
		return 0;
	if (use_other_device(dump, obj, ret))
		return *ret ? 0 : -ENOMEM;
	if (marked)
		(*ret)[strlen(*ret) - strlen(FD_DELETED)] = '\0';
	if (obj->st.st_nlink && !(marked && S_ISDIR(obj->st.st_mode))) {
		if (marked) {
			*where = NAME_LINKED;
			return 0;
		}
		return cr_fail(dump->ctx, -EOPNOTSUPP, FD_WHO "its path leads to another file (a mount hides it?)%s",
			       FD_WHO_ARGS(obj),
			       S_ISCHR(obj->st.st_mode) && stateless_device(obj->st.st_rdev)
				       ? "; --evasive-devices takes the one in /dev"
				       : "");
	}
	r = on_mount_of_name(obj, *ret);
	if (r < 0)
		return r;
	if (!r)
		return fd_refuse(dump, obj, "memory with a descriptor or a file of a hidden mount");
	*where = NAME_DELETED;
	return 0;
}

/* A file that others append to while nobody reads it may well have grown at restore. */
static bool size_is_telling(const struct fd_object *obj, uint32_t flags)
{
	return S_ISREG(obj->st.st_mode) && !((flags & O_ACCMODE) == O_WRONLY && (flags & O_APPEND));
}

static int add_build_id(struct fd_dump *dump, const struct fd_object *obj, RegFileEntry *reg)
{
	_cleanup_close_ int fd = -1;
	char name[32];
	int r;

	if (dump->opts->file_validation != VALIDATE_BUILDID || !S_ISREG(obj->st.st_mode) || !reg->has_size ||
	    !obj->st.st_size)
		return 0;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", obj->fd);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) /* it then is told by its size alone */
		return 0;
	r = build_id_read(fd, &reg->build_id, &reg->n_build_id);
	return r == -ENOMEM ? r : 0;
}

/*
 * --external file[MOUNT:INODE], both as in fdinfo, the first in hexadecimal: a restore is given a descriptor for it
 * (--inherit-fd). *RET is that key, which stands for its name, or NULL.
 */
static int find_external(struct fd_dump *dump, const struct fd_object *obj, char **ret)
{
	const struct str_array *list = &dump->opts->external;
	_cleanup_free_ char *key = NULL;

	if (!list->nr)
		return 0;
	key = str_printf("file[%x:%" PRIu64 "]", (unsigned int)reg_mount_of(obj->fd, "", AT_EMPTY_PATH),
			 (uint64_t)obj->st.st_ino);
	if (!key)
		return -ENOMEM;
	for (size_t i = 0; i < list->nr; i++)
		if (!strcmp(list->v[i], key)) {
			*ret = take_ptr(key);
			return 0;
		}
	return 0;
}

int reg_dump_as(struct fd_dump *dump, const struct fd_object *obj, uint32_t id, uint32_t flags, const FownEntry *fown)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ uint32_t *build_id = NULL;
	RegFileEntry reg = REG_FILE_ENTRY__INIT;
	FownEntry owner = *fown;
	struct stat other;
	enum name_state where = NAME_THERE;
	int r;

	if (obj->link[0] != '/')
		return fd_refuse(dump, obj, "a file that no path leads to");
	/* Not where the path is only a part of another kind. */
	r = id == obj->id ? find_external(dump, obj, &name) : 0;
	if (!r && name)
		reg.has_ext = reg.ext = true;
	if (!r && !name)
		r = proc_dump(dump, obj, id, &name);
	if (!r && !name)
		r = find_name(dump, obj, &name, &where);
	if (!r && where == NAME_DELETED)
		r = ghost_dump(dump, obj, id);
	if (!r && where == NAME_LINKED)
		r = link_dump(dump, obj, name, id);
	if (r < 0)
		return r;
	reg.id = id;
	reg.flags = flags;
	reg.pos = obj->pos;
	reg.fown = &owner;
	reg.name = name;
	reg.has_size = size_is_telling(obj, flags);
	reg.size = reg.has_size ? obj->st.st_size : 0;
	reg.has_mode = true;
	reg.mode = obj->st.st_mode;
	if (where == NAME_THERE && strcmp(name, obj->link) && !stat(name, &other)) /* another device node */
		reg.mode = other.st_mode;
	r = add_build_id(dump, obj, &reg);
	build_id = reg.build_id;
	return r < 0 ? r : fd_dump_write(dump, FD_TYPES__REG, id, &reg.base);
}

int reg_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	FownEntry fown;
	int r = fown_dump(dump, obj, &fown);

	return r < 0 ? r : reg_dump_as(dump, obj, obj->id, obj->flags, &fown);
}
