/* SPDX-License-Identifier: GPL-2.0 */
/* Names of unix sockets at dump: the file that one leads to, and whether it still does. unix(7). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "fd/unix.h"

#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE 0x89e0 /* linux/un.h: opens the socket's file, O_PATH */
#endif
#define DELETED " (deleted)"

static bool leads_to(const char *dir, const char *name, const struct stat *file)
{
	_cleanup_free_ char *path = dir ? str_printf("%s/%s", dir, name) : strdup(name);
	struct stat st;

	return path && !lstat(path, &st) && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* The directory that the relative NAME starts from: PATH without it, or else the task's. NULL: neither. */
static char *find_dir(const struct fd_object *obj, const char *name, const char *path, const struct stat *file)
{
	size_t path_len = strlen(path), name_len = strlen(name);
	char *dir = NULL;

	if (path_len > name_len && path[path_len - name_len - 1] == '/' && str_ends(path, name))
		return path_len == name_len + 1 ? strdup("/") : strndup(path, path_len - name_len - 1);
	if (!read_link_at(obj->task->procfd, "cwd", &dir) && leads_to(dir, name, file))
		return dir;
	free(dir);
	return NULL;
}

static bool has_directory(const char *dir, const char *name)
{
	_cleanup_free_ char *path = dir ? str_printf("%s/%s", dir, name) : strdup(name);
	struct stat st;

	if (!path)
		return false;
	strrchr(path, '/')[1] = '\0';
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int unix_file_find(struct fd_dump *dump, const struct fd_object *obj, const char *name, size_t len,
		   struct unix_file *ret)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	char link[32], text[UNIX_NAME_MAX + 1];
	struct stat st;
	bool marked;
	int r;

	if (!len || !name[0])
		return 0;
	snprintf(text, sizeof(text), "%.*s", (int)len, name);
	fd = ioctl(obj->fd, SIOCUNIXFILE, 0);
	if (fd < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't get at its file %s", FD_WHO_ARGS(obj), text);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = read_link_at(AT_FDCWD, link, &path);
	if (!r && fstat(fd, &st) < 0)
		r = -errno;
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't look at its file %s", FD_WHO_ARGS(obj), text);
	marked = !st.st_nlink && str_ends(path, DELETED);
	if (marked)
		path[strlen(path) - strlen(DELETED)] = '\0';
	if (text[0] != '/') {
		ret->dir = find_dir(obj, text, path, &st);
		if (!ret->dir)
			return cr_fail(dump->ctx, -EOPNOTSUPP,
				       FD_WHO
				       "a unix socket named %s, which leads to %s from elsewhere, isn't supported",
				       FD_WHO_ARGS(obj), text, path);
	}
	ret->deleted = !leads_to(ret->dir, text, &st);
	if (ret->deleted && st.st_nlink)
		return cr_fail(dump->ctx, -EOPNOTSUPP,
			       FD_WHO "a unix socket whose name %s doesn't lead to its file %s isn't supported",
			       FD_WHO_ARGS(obj), text, path);
	if (ret->deleted && !has_directory(ret->dir, text))
		return cr_fail(dump->ctx, -EOPNOTSUPP,
			       FD_WHO "a unix socket named %s, whose directory is gone, isn't supported",
			       FD_WHO_ARGS(obj), text);
	file_perms_entry__init(&ret->perms);
	ret->has_perms = true;
	ret->perms.mode = st.st_mode;
	ret->perms.uid = st.st_uid;
	ret->perms.gid = st.st_gid;
	return 0;
}
