/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deleted files, at restore: each is made again, or linked back where the dump has kept it by another name, opened by
 * all who had it open, and deleted again. One after the other, so that several deleted files may have had the same
 * name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "fd/ghost_names.h"
#include "fd/reg.h"
#include "fd/restore.h"

#include "ghost-file.pb-c.h"
#include "remap-file-path.pb-c.h"

#define COPY_BYTES (256u << 10)
/* In sets of older versions a remap without a type is a ghost if its id has this bit. */
#define OLD_GHOST_BIT (1u << 31)

struct ghost {
	uint32_t id;
	RemapType type;
	GhostFileEntry *entry;	/* of a ghost */
	struct fd_file *link;	/* the name that the dump gave it, if it is linked back */
	struct fd_file **files; /* regular file entries that stand for it */
	size_t nr_files;
};

static int ghost_add_file(struct ghost *ghost, struct fd_file *file)
{
	struct fd_file **grown = reallocarray(ghost->files, ghost->nr_files + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	ghost->files = grown;
	grown[ghost->nr_files++] = file;
	return 0;
}

/* What we'll remove has to have been made for that. */
static bool is_link(const struct fd_file *file)
{
	const char *name = file->ops->type == FD_TYPES__REG ? strrchr(file->entry->reg->name, '/') : NULL;

	return name && str_starts(name + 1, LINK_NAME);
}

/* An entry of remap-fpath.img. */
static int add_remap(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg)
{
	const RemapFilePathEntry *remap = (RemapFilePathEntry *)msg;
	struct fd_file *file = fd_file_find(restore, remap->orig_id);
	RemapType type = remap->remap_type;
	uint32_t id = remap->remap_id;
	struct fd_file *link = NULL;
	uint64_t *index;
	bool is_new;
	int r;

	if (!remap->has_remap_type)
		type = id & OLD_GHOST_BIT ? REMAP_TYPE__GHOST : REMAP_TYPE__LINKED;
	if (!file || file->ops->type != FD_TYPES__REG || file->entry->reg->name[0] != '/')
		return cr_fail(restore->ctx, -EBADMSG, "remap-fpath.img: %u is no regular file", remap->orig_id);
	if (type == REMAP_TYPE__LINKED) {
		link = fd_file_find(restore, id);
		if (!link || link == file || !is_link(link))
			return cr_fail(restore->ctx, -EBADMSG, "remap-fpath.img: %u is no name for %s", id,
				       file->entry->reg->name);
		link->path_only = true;
	} else if (type == REMAP_TYPE__PROCFS) {
		r = proc_check_ended(restore, file, id);
		if (r < 0)
			return r;
	}
	if (!remap->has_remap_type)
		id &= ~OLD_GHOST_BIT;
	if (file->deleted)
		return cr_fail(restore->ctx, -EBADMSG, "remap-fpath.img: file %u is there twice", file->id);
	file->deleted = true;
	r = pair_map_get(&restore->ghost_ids, id, type, &index, &is_new);
	if (r < 0)
		return r;
	if (is_new) {
		struct ghost *grown = reallocarray(restore->ghosts, restore->nr_ghosts + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		restore->ghosts = grown;
		*index = restore->nr_ghosts++;
		grown[*index] = (struct ghost){ .id = id, .type = type, .link = link };
	}
	return ghost_add_file(&restore->ghosts[*index], file);
}

/* Walks through the data after the entry; with TO >= 0 it is written there. */
static int walk_payload(struct image *img, const GhostFileEntry *entry, int to, char *buf, uint64_t off, uint64_t len)
{
	if (len > image_remaining(img))
		return -EBADMSG;
	if (to < 0)
		return lseek(image_fd(img), len, SEEK_CUR) < 0 ? -errno : 0;
	while (len) {
		size_t part = len < COPY_BYTES ? len : COPY_BYTES;
		int r = image_read_payload(img, buf, part);

		if (!r)
			r = pwrite_full(to, buf, part, off);
		if (r < 0)
			return r;
		off += part;
		len -= part;
	}
	return 0;
}

static int walk_data(struct image *img, const GhostFileEntry *entry, int to)
{
	_cleanup_free_ char *buf = to < 0 ? NULL : malloc(COPY_BYTES);
	uint64_t end = 0;

	if (to >= 0 && !buf)
		return -ENOMEM;
	if (!entry->chunks)
		return walk_payload(img, entry, to, buf, 0, image_remaining(img));
	for (;;) {
		_cleanup_image_message_ ProtobufCMessage *msg = NULL;
		int r = image_read_as(img, &ghost_chunk_entry__descriptor, &msg);
		const GhostChunkEntry *chunk = (GhostChunkEntry *)msg;

		if (r <= 0)
			return r;
		if (chunk->off < end || chunk->len > entry->size || chunk->off > entry->size - chunk->len)
			return -EBADMSG;
		end = chunk->off + chunk->len;
		r = walk_payload(img, entry, to, buf, chunk->off, chunk->len);
		if (r < 0)
			return r;
	}
}

static int open_ghost_image(struct fd_restore *restore, const struct ghost *ghost, struct image **ret,
			    GhostFileEntry **ret_entry)
{
	ProtobufCMessage *msg;
	int r = image_open(restore->dirfd, IMG_GHOST_FILE, ret, (unsigned long)ghost->id);

	if (r < 0)
		return r;
	r = image_read_as(*ret, &ghost_file_entry__descriptor, &msg);
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	*ret_entry = (GhostFileEntry *)msg;
	return 0;
}

static bool entry_is_possible(const GhostFileEntry *e)
{
	if (e->chunks && (!e->has_size || e->size > INT64_MAX || !S_ISREG(e->mode)))
		return false;
	switch (e->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFIFO:
		return true;
	case S_IFCHR:
	case S_IFBLK:
		return e->has_rdev;
	case S_IFLNK:
		return e->symlnk_target && e->symlnk_target[0];
	default:
		return false;
	}
}

static int read_ghost(struct fd_restore *restore, struct ghost *ghost)
{
	_cleanup_image_ struct image *img = NULL;
	int r;

	if (ghost->type != REMAP_TYPE__GHOST)
		return 0;
	r = open_ghost_image(restore, ghost, &img, &ghost->entry);
	if (!r && !entry_is_possible(ghost->entry))
		r = -EBADMSG;
	if (!r && S_ISREG(ghost->entry->mode))
		r = walk_data(img, ghost->entry, -1);
	return r < 0 ? cr_fail_errno(restore->ctx, r, "Can't read ghost-file-%x.img", ghost->id) : 0;
}

static bool is_directory(const struct ghost *ghost)
{
	return ghost->entry && S_ISDIR(ghost->entry->mode);
}

/* Directories first, outer ones before inner ones. */
static int ghost_compare(const void *x, const void *y)
{
	const struct ghost *a = x, *b = y;
	bool a_dir = is_directory(a), b_dir = is_directory(b);
	size_t a_len = strlen(a->files[0]->entry->reg->name), b_len = strlen(b->files[0]->entry->reg->name);

	if (a_dir != b_dir)
		return a_dir ? -1 : 1;
	if (a_dir && a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

int ghosts_read(struct fd_restore *restore)
{
	int r = fd_read_image(restore, IMG_REMAP_FPATH, add_remap);

	for (size_t i = 0; i < restore->nr_ghosts && !r; i++)
		r = read_ghost(restore, &restore->ghosts[i]);
	if (!r && restore->nr_ghosts)
		qsort(restore->ghosts, restore->nr_ghosts, sizeof(*restore->ghosts), ghost_compare);
	return r;
}

void ghosts_free(struct fd_restore *restore)
{
	for (size_t i = 0; i < restore->nr_ghosts; i++) {
		free(restore->ghosts[i].files);
		if (restore->ghosts[i].entry)
			ghost_file_entry__free_unpacked(restore->ghosts[i].entry, NULL);
	}
	free(restore->ghosts);
	pair_map_free(&restore->ghost_ids);
}

static int make_directory(void *arg, const char *path)
{
	return mkdir(path, 0700) < 0 ? -errno : 0;
}

/* The directories above PATH that have been deleted, too. */
static int make_parents(const char *path, struct ghost_names *names)
{
	_cleanup_free_ char *dir = strdup(path);
	struct stat st;

	if (!dir)
		return -ENOMEM;
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int r;

		*slash = '\0';
		if (stat(dir, &st) < 0) {
			r = errno == ENOENT ? ghost_names_make(names, dir, true, make_directory, NULL) : -errno;
			if (r < 0)
				return r;
		}
		*slash = '/';
	}
	return 0;
}

static int set_attributes(int dirfd, const char *path, const GhostFileEntry *e)
{
	int flags = path[0] ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;

	if (fchownat(dirfd, path, e->uid, e->gid, flags) < 0)
		return -errno;
	if (!path[0] ? fchmod(dirfd, e->mode & 07777) < 0
		     : !S_ISLNK(e->mode) && fchmodat(dirfd, path, e->mode & 07777, 0) < 0)
		return -errno;
	if (e->atim && e->mtim) {
		struct timespec times[2] = {
			{ e->atim->tv_sec, (e->atim->tv_usec % 1000000) * 1000 },
			{ e->mtim->tv_sec, (e->mtim->tv_usec % 1000000) * 1000 },
		};

		if ((path[0] ? utimensat(dirfd, path, times, flags) : futimens(dirfd, times)) < 0)
			return -errno;
	}
	return 0;
}

/* The content of the ghost, into a new file. */
static int fill(struct fd_restore *restore, const struct ghost *ghost, int fd)
{
	_cleanup_image_ struct image *img = NULL;
	GhostFileEntry *entry = NULL;
	int r = open_ghost_image(restore, ghost, &img, &entry);

	if (!r)
		r = walk_data(img, entry, fd);
	if (!r && entry->chunks && ftruncate(fd, entry->size) < 0)
		r = -errno;
	if (entry)
		ghost_file_entry__free_unpacked(entry, NULL);
	return r;
}

static int make_regular(struct fd_restore *restore, const struct ghost *ghost, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : fill(restore, ghost, fd);
}

struct making {
	struct fd_restore *restore;
	const struct ghost *ghost;
};

static int make_file(void *arg, const char *path)
{
	const struct making *m = arg;
	const GhostFileEntry *e = m->ghost->entry;

	switch (e->mode & S_IFMT) {
	case S_IFDIR:
		return make_directory(NULL, path);
	case S_IFLNK:
		return symlink(e->symlnk_target, path) < 0 ? -errno : 0;
	case S_IFREG:
		return make_regular(m->restore, m->ghost, path);
	default:
		return mknod(path, (e->mode & S_IFMT) | 0600, e->rdev) < 0 ? -errno : 0;
	}
}

/* Gives FILE's name to the ghost, which FIRST (NULL: nobody yet) leads to. Another file may have the name by now. */
static int make_name(struct fd_restore *restore, const struct ghost *ghost, struct fd_file *file, const char *first,
		     struct ghost_names *names)
{
	const char *name = file->entry->reg->name;
	struct making making = { restore, ghost };
	int r = make_parents(name, names);

	for (int attempt = 0; !r && attempt < 2; attempt++) {
		const char *path = file->path ?: name;

		if (first)
			r = ghost_names_link(names, first, path);
		else
			r = ghost_names_make(names, path, is_directory(ghost), make_file, &making);
		if (!r)
			return 0;
		if (r == -EEXIST && !file->path) {
			file->path = str_printf("%s.criu-ghost-%u-%lu", name, ghost->id, now_us());
			r = file->path ? 0 : -ENOMEM;
		}
	}
	if (ghost->link)
		return cr_fail_errno(restore->ctx, r, "Can't link %s back as %s (--link-remap)", first, name);
	return cr_fail_errno(restore->ctx, r, "Can't make the deleted file %s again", name);
}

static int make_ghost(struct fd_restore *restore, const struct ghost *ghost, struct ghost_names *names)
{
	const char *first = ghost->link ? ghost->link->entry->reg->name : NULL;
	int r;

	for (size_t i = 0; i < ghost->nr_files; i++) {
		struct fd_file *file = ghost->files[i];
		bool have = false;

		for (size_t k = 0; k < i && !have; k++)
			if (!strcmp(ghost->files[k]->entry->reg->name, file->entry->reg->name)) {
				const char *path = ghost->files[k]->path;

				have = true;
				if (path && !(file->path = strdup(path)))
					return -ENOMEM;
			}
		if (have || (first && is_directory(ghost)))
			continue;
		r = make_name(restore, ghost, file, first, names);
		if (r < 0)
			return r;
		first = first ?: file->path ?: file->entry->reg->name;
	}
	r = first && ghost->entry ? set_attributes(AT_FDCWD, first, ghost->entry) : 0;
	return r < 0 ? cr_fail_errno(restore->ctx, r, "Can't set the attributes of the deleted file %s", first) : 0;
}

/*
 * The file that was opened by O_TMPFILE, which makes a new one each time; NULL: there is none. What never had a name
 * can be given one later, unlike what lost its name.
 */
static struct fd_file *find_nameless(const struct ghost *ghost)
{
	for (size_t i = 0; ghost->entry && S_ISREG(ghost->entry->mode) && i < ghost->nr_files; i++) {
		struct fd_file *file = ghost->files[i];

		if ((file->entry->reg->flags & O_TMPFILE) == O_TMPFILE && !file->path_only && file->table)
			return file;
	}
	return NULL;
}

static int make_nameless(struct fd_restore *restore, const struct ghost *ghost, struct fd_file *file,
			 struct ghost_names *names)
{
	const RegFileEntry *reg = file->entry->reg;
	_cleanup_free_ char *dir = strdup(reg->name);
	_cleanup_close_ int fd = -1;
	int r;

	if (!dir)
		return -ENOMEM;
	*strrchr(dir, '/') = '\0';
	r = make_parents(reg->name, names);
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't make directory %s again", dir);
	fd = open(dir[0] ? dir : "/", O_TMPFILE | O_CLOEXEC | (reg->flags & (O_ACCMODE | O_SYNC)), 0600);
	if (fd < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't make a file without a name in %s", dir);
	r = fill(restore, ghost, fd);
	if (!r)
		r = set_attributes(fd, "", ghost->entry);
	if (!r && lseek(fd, reg->pos, SEEK_SET) < 0)
		r = -errno;
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't make the file %s, which has no name, again", reg->name);
	r = fd_adopt_file(restore, file, take_fd(fd));
	for (size_t i = 0; i < ghost->nr_files && !r; i++) {
		struct fd_file *other = ghost->files[i];

		free(other->path);
		other->path = str_printf("/proc/self/fd/%d", file->fd);
		r = other->path ? 0 : -ENOMEM;
	}
	return r;
}

/* Those of the ghost's own entries, and of others that need its path. */
static int open_users(struct fd_restore *restore, void *arg)
{
	const struct ghost *ghost = arg;
	int r = 0;

	for (size_t i = 0; i < ghost->nr_files && !r; i++) {
		struct fd_file *reg = ghost->files[i];

		if (!reg->path_only) {
			r = fd_open_file(restore, reg);
			continue;
		}
		for (size_t k = 0; k < restore->nr_files && !r; k++)
			if (restore->files[k].path_file == reg)
				r = fd_open_file(restore, &restore->files[k]);
	}
	return r;
}

int ghosts_open(struct fd_restore *restore)
{
	struct ghost_names *names = NULL;
	int r = restore->nr_ghosts ? ghost_names_begin(restore->ctx, &names) : 0;

	for (size_t i = 0; i < restore->nr_ghosts && !r; i++) {
		struct ghost *ghost = &restore->ghosts[i];
		size_t before = ghost_names_count(names);
		struct fd_file *nameless;

		if (ghost->type == REMAP_TYPE__PROCFS) {
			r = proc_with_process(restore, ghost->id, open_users, ghost);
			continue;
		}
		nameless = find_nameless(ghost);
		r = nameless ? make_nameless(restore, ghost, nameless, names) : make_ghost(restore, ghost, names);
		if (!r)
			r = open_users(restore, ghost);
		/* A deleted directory stays until the files that were deleted in it have come and gone. */
		if (!is_directory(ghost))
			ghost_names_remove(names, before);
	}
	ghost_names_end(&names);
	return r;
}

void fd_restore_remove_links(struct fd_restore *restore)
{
	for (size_t i = 0; i < restore->nr_ghosts; i++) {
		const struct fd_file *link = restore->ghosts[i].link;

		if (link && unlink(link->entry->reg->name) < 0)
			log_warn(restore->ctx->log, "Can't remove %s: %s", link->entry->reg->name, strerror(errno));
	}
}
