/* SPDX-License-Identifier: GPL-2.0 */
/* Deleted files, at dump: each is stored once, as ghost-file-<id>.img, whoever has it open or mapped. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fd/dump.h"
#include "mem/hugetlb.h"

#include "ghost-file.pb-c.h"
#include "remap-file-path.pb-c.h"

#define COPY_BYTES (256u << 10)

/* The data between holes. */
struct extent {
	uint64_t off, len;
};
struct extents {
	struct extent *v;
	size_t nr;
	uint64_t bytes;
};

static int extents_add(struct extents *list, uint64_t off, uint64_t len)
{
	struct extent *grown = realloc(list->v, (list->nr + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->v = grown;
	grown[list->nr++] = (struct extent){ off, len };
	list->bytes += len;
	return 0;
}

/* lseek(2): SEEK_DATA and SEEK_HOLE; a file system without holes shows one extent. */
static int extents_find(int fd, off_t size, struct extents *ret)
{
	off_t at = 0;

	while (at < size) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;
		int r;

		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		if (hole > size)
			hole = size;
		if (hole <= data)
			return 0;
		r = extents_add(ret, data, hole - data);
		if (r < 0)
			return r;
		at = hole;
	}
	return 0;
}

static int copy_extent(int fd, struct image *img, const struct extent *ext)
{
	_cleanup_free_ char *buf = malloc(COPY_BYTES);
	uint64_t done = 0;

	if (!buf)
		return -ENOMEM;
	while (done < ext->len) {
		size_t part = ext->len - done < COPY_BYTES ? ext->len - done : COPY_BYTES;
		int r = pread_full(fd, buf, part, ext->off + done);

		if (!r)
			r = image_write_payload(img, buf, part);
		if (r < 0)
			return r;
		done += part;
	}
	return 0;
}

static int write_data(int fd, struct image *img, const GhostFileEntry *entry, const struct extents *list)
{
	int r = 0;

	if (!entry->chunks)
		return list->nr ? copy_extent(fd, img, &list->v[0]) : 0;
	for (size_t i = 0; i < list->nr && !r; i++) {
		GhostChunkEntry chunk = GHOST_CHUNK_ENTRY__INIT;

		chunk.off = list->v[i].off;
		chunk.len = list->v[i].len;
		r = image_write(img, &chunk.base);
		if (!r)
			r = copy_extent(fd, img, &list->v[i]);
	}
	return r;
}

static void set_time(Timeval *ret, const struct timespec *ts)
{
	timeval__init(ret);
	ret->tv_sec = ts->tv_sec;
	ret->tv_usec = ts->tv_nsec / 1000;
}

/* Holes are kept where there are any: the entry then says so, and how long the file is. */
static int open_data(struct fd_dump *dump, const struct fd_object *obj, GhostFileEntry *entry, struct extents *list,
		     int *ret_fd)
{
	char name[32];
	int r;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", obj->fd);
	*ret_fd = open(name, O_RDONLY | O_CLOEXEC | O_NOATIME);
	if (*ret_fd < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't read the deleted file", FD_WHO_ARGS(obj));
	r = extents_find(*ret_fd, obj->st.st_size, list);
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't find the deleted file's data", FD_WHO_ARGS(obj));
	if (list->bytes > dump->opts->ghost_limit)
		return cr_fail(dump->ctx, -EFBIG,
			       FD_WHO "the deleted file's %" PRIu64 " bytes are more than the limit of %" PRIu64
				      "; --ghost-limit raises it",
			       FD_WHO_ARGS(obj), list->bytes, dump->opts->ghost_limit);
	if (list->bytes != (uint64_t)obj->st.st_size) {
		entry->has_chunks = entry->chunks = true;
		entry->has_size = true;
		entry->size = obj->st.st_size;
	}
	return 0;
}

static int write_ghost(struct fd_dump *dump, const struct fd_object *obj, uint32_t ghost_id)
{
	_cleanup_image_ struct image *img = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *target = NULL;
	_cleanup_free_ struct extent *extents = NULL;
	struct extents list = {};
	GhostFileEntry entry = GHOST_FILE_ENTRY__INIT;
	const struct stat *st = &obj->st;
	Timeval atim, mtim;
	int r = 0;

	entry.uid = st->st_uid;
	entry.gid = st->st_gid;
	entry.mode = st->st_mode;
	entry.has_dev = entry.has_ino = true;
	entry.dev = major(st->st_dev) << 20 | minor(st->st_dev);
	entry.ino = st->st_ino;
	set_time(&atim, &st->st_atim);
	set_time(&mtim, &st->st_mtim);
	entry.atim = &atim;
	entry.mtim = &mtim;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		entry.has_rdev = true;
		entry.rdev = st->st_rdev;
	} else if (S_ISLNK(st->st_mode)) {
		r = read_link_at(obj->fd, "", &target);
		entry.symlnk_target = target;
	} else if (S_ISREG(st->st_mode)) {
		r = open_data(dump, obj, &entry, &list, &fd);
		extents = list.v;
	} else if (S_ISSOCK(st->st_mode)) {
		return fd_refuse(dump, obj, "a deleted socket's path");
	}
	if (r < 0)
		return r;
	r = image_create(dump->dirfd, IMG_GHOST_FILE, &img, (unsigned long)ghost_id);
	if (!r)
		r = image_write(img, &entry.base);
	if (!r)
		r = write_data(fd, img, &entry, &list);
	if (!r)
		r = image_close(&img);
	return r < 0 ? cr_fail_errno(dump->ctx, r, FD_WHO "Can't store it as ghost-file-%x.img", FD_WHO_ARGS(obj),
				     ghost_id)
		     : 0;
}

int ghost_dump(struct fd_dump *dump, const struct fd_object *obj, uint32_t id)
{
	RemapFilePathEntry remap = REMAP_FILE_PATH_ENTRY__INIT;
	uint64_t *ghost_id;
	bool is_new;
	int r = pair_map_get(&dump->ghosts, obj->st.st_dev, obj->st.st_ino, &ghost_id, &is_new);

	if (r < 0)
		return r;
	if (is_new && S_ISREG(obj->st.st_mode) && hugetlb_file_page_size(obj->fd)) /* it takes no write(2) */
		return fd_refuse(dump, obj, "a deleted file of hugetlbfs");
	if (is_new) {
		*ghost_id = ++dump->last_ghost;
		r = write_ghost(dump, obj, *ghost_id);
		if (r < 0)
			return r;
	}
	remap.orig_id = id;
	remap.remap_id = *ghost_id;
	remap.has_remap_type = true;
	remap.remap_type = REMAP_TYPE__GHOST;
	return fd_dump_append(dump, IMG_REMAP_FPATH, &remap.base, NULL, 0);
}
