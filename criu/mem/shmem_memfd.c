/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/shmem_memfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "fdinfo.pb-c.h"
#include "image/image.h"
#include "mem/vma.h"
#include "memfd.pb-c.h"

bool shmem_is_memfd_name(const char *name)
{
	/* As the kernel names the memory, and as an image may, with a suffix that the kernel adds. */
	return !strcmp(name, "/dev/zero") || !strcmp(name, "/dev/zero (deleted)");
}

struct pair {
	uint64_t from, to;
};

struct pairs {
	struct pair *v; /* sorted by FROM once it is complete */
	size_t nr, room;
};

static void pairs_free(struct pairs *p)
{
	free(p->v);
}

static int pairs_add(struct pairs *p, uint64_t from, uint64_t to)
{
	if (p->nr == p->room) {
		size_t room = p->room ? p->room * 2 : 16;
		struct pair *v = reallocarray(p->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		p->v = v;
		p->room = room;
	}
	p->v[p->nr++] = (struct pair){ from, to };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static const struct pair *pairs_find(const struct pairs *p, uint64_t from)
{
	struct pair key = { from, 0 };

	return p->nr ? bsearch(&key, p->v, p->nr, sizeof(key), compare) : NULL;
}

static int pairs_sort(struct pairs *p)
{
	if (p->nr)
		qsort(p->v, p->nr, sizeof(*p->v), compare);
	for (size_t i = 1; i < p->nr; i++)
		if (p->v[i - 1].from == p->v[i].from)
			return -EBADMSG;
	return 0;
}

static int take_inode(const ProtobufCMessage *msg, struct pairs *ret)
{
	const MemfdInodeEntry *e = (const MemfdInodeEntry *)msg;

	if (!shmem_is_memfd_name(e->name))
		return 0;
	return e->shmid ? pairs_add(ret, e->inode_id, e->shmid) : -EBADMSG;
}

static int take_file(const ProtobufCMessage *msg, struct pairs *ret)
{
	const FileEntry *e = (const FileEntry *)msg;

	if (e->type != FD_TYPES__MEMFD)
		return 0;
	return e->memfd && e->memfd->id == e->id ? pairs_add(ret, e->id, e->memfd->inode_id) : -EBADMSG;
}

static int read_pairs(struct cr_ctx *ctx, int images_dirfd, enum image_kind kind,
		      int (*take)(const ProtobufCMessage *msg, struct pairs *ret), struct pairs *ret)
{
	_cleanup_image_ struct image *img = NULL;
	int r = image_open(images_dirfd, kind, &img);

	while (!r) {
		_cleanup_image_message_ ProtobufCMessage *msg = NULL;

		r = image_read(img, &msg);
		if (r <= 0)
			break;
		r = take(msg, ret);
	}
	if (!r)
		r = pairs_sort(ret);
	return r ? cr_fail_errno(ctx, r, "Can't read %s", image_kind_info(kind)->pattern) : 0;
}

static bool has_memfds(MmEntry *const *mms, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		for (size_t j = 0; j < mms[i]->n_vmas; j++)
			if (mms[i]->vmas[j]->status & VMA_AREA_MEMFD)
				return true;
	return false;
}

static int adopt(struct cr_ctx *ctx, VmaEntry *e, const struct pairs *inode_of_file, const struct pairs *shmid_of_inode)
{
	const struct pair *file = pairs_find(inode_of_file, e->shmid);
	const struct pair *inode;

	if (!file)
		return cr_fail(ctx, -EBADMSG, "area %lx-%lx maps file %lu, which is no memfd", (unsigned long)e->start,
			       (unsigned long)e->end, (unsigned long)e->shmid);
	inode = pairs_find(shmid_of_inode, file->to);
	if (!inode) /* of a real memfd */
		return 0;
	if (!(e->status & VMA_FILE_SHARED))
		return cr_fail(ctx, -EOPNOTSUPP,
			       "area %lx-%lx: a private mapping of shared anonymous memory isn't supported",
			       (unsigned long)e->start, (unsigned long)e->end);
	e->status = VMA_AREA_REGULAR | VMA_ANON_SHARED;
	e->flags |= MAP_ANONYMOUS;
	e->shmid = inode->to;
	return 0;
}

int shmem_adopt_memfds(struct cr_ctx *ctx, int images_dirfd, MmEntry *const *mms, size_t nr)
{
	__cleanup(pairs_free) struct pairs inode_of_file = {}, shmid_of_inode = {};
	int err;

	if (!has_memfds(mms, nr))
		return 0;
	err = read_pairs(ctx, images_dirfd, IMG_FILES, take_file, &inode_of_file);
	if (!err)
		err = read_pairs(ctx, images_dirfd, IMG_MEMFD_INODE, take_inode, &shmid_of_inode);
	for (size_t i = 0; !err && i < nr; i++)
		for (size_t j = 0; !err && j < mms[i]->n_vmas; j++)
			if (mms[i]->vmas[j]->status & VMA_AREA_MEMFD)
				err = adopt(ctx, mms[i]->vmas[j], &inode_of_file, &shmid_of_inode);
	return err;
}
