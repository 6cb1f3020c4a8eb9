/* SPDX-License-Identifier: GPL-2.0 */
/*
 * --link-remap, at dump: an open file whose name is removed, but that has others, gets one more, link_remap.N: a
 * restore then finds it there. The names belong to the set; a dump that fails takes them away.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "fd/dump.h"
#include "fd/reg.h"

#include "regfile.pb-c.h"
#include "remap-file-path.pb-c.h"

/* Names that are taken: of older sets, and of others' dumps at the same time. */
#define NAMES_TRIED 10000u

/* A file with a name of ours. */
struct fd_link {
	struct fd_link *next;
	char *path;
	uint32_t id; /* of the entry that holds the name */
	dev_t dev;
	ino_t ino;
	int64_t mount;
};

/* The directory above PATH, or the nearest one that is still there, without its last slash ("" is the root). */
static int nearest_directory(const char *path, char **ret)
{
	char *dir = strdup(path), *slash;
	struct stat st;

	if (!dir)
		return -ENOMEM;
	while ((slash = strrchr(dir, '/'))) {
		*slash = '\0';
		if (!dir[0] || (!stat(dir, &st) && S_ISDIR(st.st_mode)))
			break;
	}
	*ret = dir;
	return 0;
}

static int sync_above(const char *dir)
{
	_cleanup_close_ int fd = open(dir[0] ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : sync_dir(fd);
}

/* Names the file; link(2) takes no name that is there already. */
static int make_link(const struct fd_object *obj, const char *removed, struct fd_link *link)
{
	_cleanup_free_ char *dir = NULL;
	char from[32];
	int r = nearest_directory(removed, &dir);

	if (r < 0)
		return r;
	snprintf(from, sizeof(from), "/proc/self/fd/%d", obj->fd);
	for (uint32_t i = 0; i < NAMES_TRIED; i++) {
		char *path = str_printf("%s/" LINK_NAME "%u", dir, link->id + i);

		if (!path)
			return -ENOMEM;
		if (!linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW)) {
			link->path = path;
			return sync_above(dir);
		}
		r = -errno;
		free(path);
		if (r != -EEXIST)
			return r;
	}
	return r;
}

static struct fd_link *find_link(const struct fd_dump *dump, const struct fd_object *obj, int64_t mount)
{
	struct fd_link *link = dump->links;

	while (link && (link->dev != obj->st.st_dev || link->ino != obj->st.st_ino || link->mount != mount))
		link = link->next;
	return link;
}

static int new_link(struct fd_dump *dump, const struct fd_object *obj, const char *removed, int64_t mount,
		    struct fd_link **ret)
{
	RegFileEntry reg = REG_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	struct fd_link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return -ENOMEM;
	*link = (struct fd_link){ dump->links, NULL, fd_dump_new_id(dump), obj->st.st_dev, obj->st.st_ino, mount };
	dump->links = link;
	r = make_link(obj, removed, link);
	if (r == -EXDEV)
		return cr_fail(dump->ctx, -EOPNOTSUPP,
			       FD_WHO "a file of a hidden mount can't be linked back (--link-remap)", FD_WHO_ARGS(obj));
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't link the deleted file back (--link-remap)",
				     FD_WHO_ARGS(obj));
	reg.id = link->id;
	reg.name = link->path;
	reg.fown = &fown;
	*ret = link;
	return fd_dump_write(dump, FD_TYPES__REG, link->id, &reg.base);
}

int link_dump(struct fd_dump *dump, const struct fd_object *obj, const char *removed, uint32_t id)
{
	RemapFilePathEntry remap = REMAP_FILE_PATH_ENTRY__INIT;
	int64_t mount = reg_mount_of(obj->fd, "", AT_EMPTY_PATH);
	struct fd_link *link;
	int r = 0;

	if (!dump->opts->link_remap)
		return cr_fail(dump->ctx, -EOPNOTSUPP,
			       FD_WHO "a deleted file with another hard link needs --link-remap", FD_WHO_ARGS(obj));
	link = find_link(dump, obj, mount);
	if (!link)
		r = new_link(dump, obj, removed, mount, &link);
	if (r < 0)
		return r;
	remap.orig_id = id;
	remap.remap_id = link->id;
	remap.has_remap_type = true;
	remap.remap_type = REMAP_TYPE__LINKED;
	return fd_dump_append(dump, IMG_REMAP_FPATH, &remap.base, NULL, 0);
}

struct fd_link *fd_dump_take_links(struct fd_dump *dump)
{
	return take_ptr(dump->links);
}

void fd_links_end(struct cr_ctx *ctx, struct fd_link **links, bool keep)
{
	while (*links) {
		struct fd_link *link = *links;

		if (!keep && link->path && unlink(link->path) < 0)
			log_warn(ctx->log, "Can't remove %s again: %s", link->path, strerror(errno));
		*links = link->next;
		free(link->path);
		free(link);
	}
}
