/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of /proc that are about one process, at dump. Those of the tree's own tasks are opened again by their paths,
 * when the tasks are there. Those of a task that has ended read as nothing but errors; a restore makes a process of
 * that number for a moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "fd/dump.h"
#include "fd/proc_path.h"
#include "task/task.h"

#include "remap-file-path.pb-c.h"

/* Is what the path leads to the very file? While it is open it keeps its inode. */
static bool path_leads_to(const struct fd_object *obj)
{
	struct stat st;

	return !fstatat(AT_FDCWD, obj->link, &st, AT_SYMLINK_NOFOLLOW) && st.st_dev == obj->st.st_dev &&
	       st.st_ino == obj->st.st_ino;
}

/* Those of a task are shown as seen from its own root, at the time of open(2). */
static bool shows_own_root(const char *rest)
{
	return !strcmp(rest, "mounts") || !strcmp(rest, "mountinfo") || !strcmp(rest, "mountstats");
}

static bool root_is_ours(pid_t pid)
{
	char name[32];
	struct stat own, its;

	snprintf(name, sizeof(name), "/proc/%d/root", pid);
	return !stat("/", &own) && !stat(name, &its) && own.st_dev == its.st_dev && own.st_ino == its.st_ino;
}

/* Some are there no more when a task has ended, though its pid is. */
static bool opens_again(const struct fd_object *obj)
{
	int flags = obj->flags & (O_ACCMODE | O_PATH | O_NOFOLLOW | O_DIRECTORY);
	_cleanup_close_ int fd = open(obj->link, flags | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0;
}

static int check_living(struct fd_dump *dump, const struct fd_object *obj, const struct proc_path *path)
{
	const struct task *task = dump->tree ? task_tree_find(dump->tree, path->pid) : NULL;

	if (!task)
		return fd_refuse(dump, obj, "a /proc file of a process outside of the tree");
	if (path->tid != path->pid)
		return fd_refuse(dump, obj, "a /proc file of a thread");
	if (proc_path_inside(path->rest, "fd") || proc_path_inside(path->rest, "fdinfo") ||
	    proc_path_inside(path->rest, "map_files"))
		return fd_refuse(dump, obj, "a /proc file of one descriptor or one mapping");
	if (shows_own_root(path->rest) && !root_is_ours(path->pid))
		return fd_refuse(dump, obj, "the list of mounts of a process with another root");
	if (!opens_again(obj))
		return fd_refuse(dump, obj, "a /proc file that can't be opened any more");
	return 0;
}

/* What a process of any kind has. */
static int check_ended(struct fd_dump *dump, const struct fd_object *obj, const struct proc_path *path)
{
	if (dump->tree && task_tree_find(dump->tree, path->pid))
		return fd_refuse(dump, obj, "a /proc file of a process that has ended, and whose pid another one has,");
	if (path->tid != path->pid || !strcmp(path->rest, "net") || proc_path_inside(path->rest, "net") ||
	    proc_path_inside(path->rest, "fd") || proc_path_inside(path->rest, "fdinfo") ||
	    proc_path_inside(path->rest, "map_files"))
		return fd_refuse(dump, obj, "such a /proc file of a process that has ended");
	return 0;
}

int proc_dump(struct fd_dump *dump, const struct fd_object *obj, uint32_t id, char **ret_name)
{
	RemapFilePathEntry remap = REMAP_FILE_PATH_ENTRY__INIT;
	_cleanup_free_ char *name = NULL;
	struct proc_path path;
	struct statfs fs;
	int r;

	if (fstatfs(obj->fd, &fs) < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't ask for its file system", FD_WHO_ARGS(obj));
	if (fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	name = strdup(obj->link);
	if (!name)
		return -ENOMEM;
	if (str_ends(name, FD_DELETED))
		name[strlen(name) - strlen(FD_DELETED)] = '\0';
	if (!proc_path_parse(name, &path))
		return str_starts(name, "/proc/") || !proc_path_has_number(name)
			       ? 0
			       : fd_refuse(dump, obj, "a file of another /proc");
	if (path_leads_to(obj))
		return check_living(dump, obj, &path);
	r = check_ended(dump, obj, &path);
	if (r < 0)
		return r;
	remap.orig_id = id;
	remap.remap_id = path.pid;
	remap.has_remap_type = true;
	remap.remap_type = REMAP_TYPE__PROCFS;
	*ret_name = take_ptr(name);
	return fd_dump_append(dump, IMG_REMAP_FPATH, &remap.base, NULL, 0);
}
