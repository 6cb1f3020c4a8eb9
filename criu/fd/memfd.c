/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfd_create(2) at dump. An open file of one is an entry of files.img that refers to an inode of memfd.img; a mapping
 * refers to such an entry, too, if need be to one that no descriptor has. The content is stored as that of
 * shared anonymous memory is. memfd_create(2), "File sealing" of fcntl(2).
 */
#include "fd/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "fd/dump.h"
#include "fd/registry.h"
#include "mem/memfd.h"
#include "mem/shmem_memfd.h"

#include "memfd.pb-c.h"

#define DELETED " (deleted)"

struct inode {
	dev_t dev;
	ino_t ino;
	uint32_t id;
	uint32_t hugetlb; /* of memfd_create(2) */
	int fd;		  /* readable */
	char *name;
};

struct memfd_state {
	struct inode *v; /* [n] has the id n + 1 */
	size_t nr, room;
	struct pair_map ids; /* (st_dev, st_ino) to id */
};

bool memfd_match(const struct fd_object *obj)
{
	return memfd_is(obj->link, &obj->st, NULL);
}

/* Attributes that memory has only if somebody asked for them, and that no image has room for. */
static int check_attributes(struct fd_dump *dump, const struct fd_object *obj, int fd)
{
	int flags = 0;

	/* Security modules label every inode; such labels come back by themselves. */
	if (flistxattr(fd, NULL, 0) > 0) {
		char names[512];
		ssize_t len = flistxattr(fd, names, sizeof(names));

		for (ssize_t at = 0; at < len; at += strlen(names + at) + 1)
			if (strncmp(names + at, "security.", strlen("security.")))
				return fd_refuse(dump, obj, "a memfd with extended attributes");
		if (len < 0)
			return fd_refuse(dump, obj, "a memfd with many extended attributes");
	}
	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags) && flags & (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL))
		return fd_refuse(dump, obj, "a memfd with inode flags (chattr)");
	return 0;
}

static char *name_of(const struct fd_object *obj)
{
	const char *name = obj->link + strlen(MEMFD_PREFIX);

	return strndup(name, strlen(name) - strlen(DELETED));
}

static int add_inode(struct fd_dump *dump, const struct fd_object *obj, struct memfd_state *s, uint32_t id)
{
	_cleanup_close_ int fd = -1;
	struct inode *inode;
	uint32_t hugetlb;
	char path[32];
	int r;

	if (!memfd_is(obj->link, &obj->st, &hugetlb))
		return fd_refuse(dump, obj, "a memfd that changes");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", obj->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't open it for reading", FD_WHO_ARGS(obj));
	r = check_attributes(dump, obj, fd);
	if (r < 0)
		return r;
	if (s->nr == s->room) {
		size_t room = s->room ? 2 * s->room : 16;
		struct inode *v = reallocarray(s->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->v = v;
		s->room = room;
	}
	inode = &s->v[s->nr];
	*inode = (struct inode){ .id = id, .hugetlb = hugetlb, .fd = -1, .name = name_of(obj) };
	if (!inode->name)
		return -ENOMEM;
	s->nr++;
	inode->fd = take_fd(fd);
	/* The image would take it for something else. */
	return shmem_is_memfd_name(inode->name) ? fd_refuse(dump, obj, "a memfd of this name") : 0;
}

int memfd_dump_as(struct fd_dump *dump, const struct fd_object *obj, uint32_t id, uint32_t flags, const FownEntry *fown)
{
	struct memfd_state *s = fd_dump_state(dump, &memfd_ops, sizeof(*s));
	MemfdFileEntry entry = MEMFD_FILE_ENTRY__INIT;
	FownEntry owner = *fown;
	uint64_t *inode_id;
	bool is_new;
	int r;

	if (!s)
		return -ENOMEM;
	r = pair_map_get(&s->ids, obj->st.st_dev, obj->st.st_ino, &inode_id, &is_new);
	if (!r && is_new) {
		*inode_id = s->nr + 1;
		r = add_inode(dump, obj, s, *inode_id);
	}
	if (r < 0)
		return r;
	entry.id = id;
	entry.flags = flags;
	entry.pos = obj->pos;
	entry.fown = &owner;
	entry.inode_id = *inode_id;
	return fd_dump_write(dump, FD_TYPES__MEMFD, id, &entry.base);
}

int memfd_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	FownEntry fown;
	int r = fown_dump(dump, obj, &fown);

	return r < 0 ? r : memfd_dump_as(dump, obj, obj->id, obj->flags, &fown);
}

static int write_inode(struct fd_dump *dump, const struct inode *inode, uint64_t shmid)
{
	MemfdInodeEntry entry = MEMFD_INODE_ENTRY__INIT;
	int seals = fcntl(inode->fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || fstat(inode->fd, &st))
		return cr_fail_errno(dump->ctx, -errno, "Can't look at the memfd %s", inode->name);
	if (seals & ~MEMFD_SEALS)
		return cr_fail(dump->ctx, -EOPNOTSUPP, "The memfd %s has unknown seals %#x: this isn't supported",
			       inode->name, seals & ~MEMFD_SEALS);
	entry.name = inode->name;
	entry.uid = st.st_uid;
	entry.gid = st.st_gid;
	entry.size = st.st_size;
	entry.shmid = shmid;
	entry.seals = seals;
	entry.inode_id = inode->id;
	entry.has_mode = true;
	entry.mode = st.st_mode;
	entry.has_hugetlb_flag = inode->hugetlb != 0;
	entry.hugetlb_flag = inode->hugetlb;
	return fd_dump_append(dump, IMG_MEMFD_INODE, &entry.base, NULL, 0);
}

int fd_dump_memfds(struct fd_dump *dump, int (*store)(void *arg, int fd, uint64_t *ret_shmid), void *arg)
{
	struct memfd_state *s = fd_dump_state(dump, &memfd_ops, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < s->nr; i++) {
		uint64_t shmid;

		r = store(arg, s->v[i].fd, &shmid);
		if (!r)
			r = write_inode(dump, &s->v[i], shmid);
		close_fdp(&s->v[i].fd); /* who stores it has one, too */
	}
	return r;
}

int memfd_dump_end(struct fd_dump *dump, bool ok)
{
	struct memfd_state *s = dump->state[fd_ops_index(&memfd_ops)];

	for (size_t i = 0; s && i < s->nr; i++) {
		close_fdp(&s->v[i].fd);
		free(s->v[i].name);
	}
	if (s) {
		free(s->v);
		pair_map_free(&s->ids);
	}
	return 0;
}
