/* SPDX-License-Identifier: GPL-2.0 */
/* Files that a task refers to without a descriptor: its executable, directories, mapped files. */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fd/dump.h"
#include "fd/memfd.h"

struct path_known {
	dev_t dev;
	ino_t ino;
	int flags;
	uint32_t id;
	char *link;
};

static int path_compare(const void *x, const void *y)
{
	const struct path_known *a = x, *b = y;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	if (a->flags != b->flags)
		return a->flags < b->flags ? -1 : 1;
	return strcmp(a->link, b->link);
}

static void path_free(void *p)
{
	struct path_known *known = p;

	free(known->link);
	free(known);
}

void fd_paths_free(struct fd_dump *dump)
{
	tdestroy(dump->paths, path_free);
	dump->paths = NULL;
}

static int path_add(struct fd_dump *dump, const struct path_known *key)
{
	struct path_known *known = malloc(sizeof(*known));

	if (!known)
		return -ENOMEM;
	*known = *key;
	known->link = strdup(key->link);
	if (!known->link || !tsearch(known, &dump->paths, path_compare)) {
		path_free(known);
		return -ENOMEM;
	}
	return 0;
}

int fd_dump_path(struct fd_dump *dump, const struct fd_task *task, int path_fd, int open_flags, uint32_t *ret_id)
{
	_cleanup_free_ char *link = NULL;
	struct fd_object obj = { .task = task, .nr = -1, .fd = path_fd, .flags = open_flags };
	FownEntry fown = FOWN_ENTRY__INIT;
	struct path_known key, **found;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", path_fd);
	r = read_link_at(AT_FDCWD, name, &link);
	if (!r && fstat(path_fd, &obj.st) < 0)
		r = -errno;
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, "task %d (%s): Can't look at a file of its", task->pid, task->comm);
	obj.link = link;
	key = (struct path_known){ obj.st.st_dev, obj.st.st_ino, open_flags, 0, link };
	found = tfind(&key, &dump->paths, path_compare);
	if (found) {
		*ret_id = (*found)->id;
		return 0;
	}
	if (S_ISFIFO(obj.st.st_mode) || S_ISSOCK(obj.st.st_mode) || S_ISLNK(obj.st.st_mode))
		return fd_refuse(dump, &obj, "a file of this kind");
	key.id = obj.id = fd_dump_new_id(dump);
	if (memfd_match(&obj))
		r = memfd_dump_as(dump, &obj, obj.id, open_flags, &fown);
	else
		r = reg_dump_as(dump, &obj, obj.id, open_flags, &fown);
	if (!r)
		r = path_add(dump, &key);
	*ret_id = key.id;
	return r;
}
