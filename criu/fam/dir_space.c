/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Room in a directory pool: what is used, and the spare page files of removed checkpoints. Memory that a file has
 * already is filled several times faster than new one, but only the whole file can change hands.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "fam/dir.h"
#include "fam/layout.h"
#include "fam/secure.h"
#include "pages/holes.h"

/* init makes spare files of half the pool, a quarter, an eighth..., the last two of this size or more. */
#define SPARE_MIN (16ul << 20)
/* That much too large is good enough. */
#define SPARE_LITTLE (4ul << 20)
/* More spare files than that are no use. */
#define SPARES_MAX 64

struct spare {
	uint64_t id;
	uint64_t size;	    /* bytes, of the file */
	uint64_t allocated; /* bytes */
};

static int spares_read(struct dir_pool *d, struct spare **ret, size_t *ret_nr)
{
	_cleanup_free_ struct spare *spares = NULL;
	_cleanup_free_ uint64_t *ids = NULL;
	size_t nr = 0, nr_ids = 0;
	int r = dir_ids(d, d->spare, &ids, &nr_ids);

	if (r)
		return r;
	spares = calloc(nr_ids + 1, sizeof(*spares));
	if (!spares)
		return -ENOMEM;
	for (size_t i = 0; i < nr_ids; i++) {
		char name[FAM_ID_TEXT];
		struct stat st;

		fam_id_print(ids[i], name);
		if (!fstatat(d->spare, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			spares[nr++] = (struct spare){ ids[i], st.st_size, (uint64_t)st.st_blocks * 512 };
	}
	*ret = take_ptr(spares);
	*ret_nr = nr;
	return 0;
}

static uint64_t spares_sum(const struct spare *spares, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += spares[i].allocated;
	return sum;
}

static int spare_open(struct dir_pool *d, uint64_t id)
{
	char name[FAM_ID_TEXT];

	fam_id_print(id, name);
	return fam_open_at(d->pool.ctx, d->spare, d->pool.path, name, O_RDWR);
}

static int spare_unlink(struct dir_pool *d, uint64_t id)
{
	char name[FAM_ID_TEXT];

	fam_id_print(id, name);
	return unlinkat(d->spare, name, 0) && errno != ENOENT ? -errno : 0;
}

static int by_allocated(const void *a, const void *b)
{
	const struct spare *x = a, *y = b;

	return x->allocated > y->allocated ? -1 : x->allocated < y->allocated;
}

/* Frees at least BYTES of one spare file, or all of it; *RET_FREED of them. */
static int spare_cut(struct dir_pool *d, const struct spare *spare, uint64_t bytes, uint64_t *ret_freed)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	*ret_freed = spare->allocated;
	bytes = (bytes + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1);
	if (spare->allocated <= bytes || spare->size <= bytes)
		return spare_unlink(d, spare->id);
	fd = spare_open(d, spare->id);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, spare->size - bytes) || fstat(fd, &st))
		return -errno;
	*ret_freed = spare->allocated - (uint64_t)st.st_blocks * 512;
	/* It was a hole: the file is as good as another. */
	return *ret_freed >= bytes ? 0 : (*ret_freed = spare->allocated, spare_unlink(d, spare->id));
}

/* Frees BYTES of the spare files, of the largest ones first, so that a choice of sizes is left. */
static int spares_cut(struct dir_pool *d, struct spare *spares, size_t nr, uint64_t bytes)
{
	int r = 0;

	if (nr)
		qsort(spares, nr, sizeof(*spares), by_allocated);
	for (size_t i = 0; !r && bytes && i < nr; i++) {
		uint64_t freed;

		r = spare_cut(d, &spares[i], bytes, &freed);
		bytes -= freed < bytes ? freed : bytes;
	}
	return r ? cr_fail_errno(d->pool.ctx, r, "Can't free spare memory of the pool %s", d->pool.path) : 0;
}

/* Bytes that all checkpoints of the directory DIRFD take. */
static int sum_checkpoints(struct dir_pool *d, int dirfd, uint64_t *sum)
{
	static const char *const names[] = { DIR_PAGES, DIR_RECORD, DIR_IMAGES };
	_cleanup_free_ uint64_t *ids = NULL;
	size_t nr = 0;
	int r = dir_ids(d, dirfd, &ids, &nr);

	if (r)
		return r;
	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			char id[FAM_ID_TEXT], path[FAM_ID_TEXT + 16];
			struct stat st;

			fam_id_print(ids[i], id);
			snprintf(path, sizeof(path), "%s/%s", id, names[k]);
			if (!fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW))
				*sum += (uint64_t)st.st_blocks * 512;
		}
	return 0;
}

/* Bytes that the file system has left for us. */
static int file_system_room(struct dir_pool *d, uint64_t *ret)
{
	struct statvfs fs;

	if (fstatvfs(d->pool.fd, &fs))
		return cr_fail_errno(d->pool.ctx, -errno, "Can't look at the file system of the pool %s", d->pool.path);
	/* A tmpfs without a limit has no blocks at all. */
	*ret = fs.f_blocks ? (uint64_t)fs.f_bavail * fs.f_frsize : INT64_MAX;
	return 0;
}

int dir_usage(struct fam_pool *pool, struct fam_usage *ret)
{
	struct dir_pool *d = dir_pool(pool);
	_cleanup_free_ struct spare *spares = NULL;
	struct fam_usage usage = { 0 };
	uint64_t left;
	size_t nr = 0;
	int r = sum_checkpoints(d, d->checkpoints, &usage.used);

	if (!r)
		r = sum_checkpoints(d, d->fresh, &usage.used);
	if (!r)
		r = spares_read(d, &spares, &nr);
	if (!r)
		r = file_system_room(d, &left);
	if (r)
		return r;
	usage.spare = spares_sum(spares, nr);
	usage.size = pool->size ? pool->size : usage.used + usage.spare + left;
	*ret = usage;
	return 0;
}

int dir_trim(struct fam_pool *pool, uint64_t keep)
{
	struct dir_pool *d = dir_pool(pool);
	_cleanup_free_ struct spare *spares = NULL;
	uint64_t sum;
	size_t nr = 0;
	int r = spares_read(d, &spares, &nr);

	if (r)
		return r;
	sum = spares_sum(spares, nr);
	if (!keep)
		sum += nr ? 1 : 0; /* empty ones, too */
	return sum > keep ? spares_cut(d, spares, nr, sum - keep) : 0;
}

/* BYTES more are to be allocated: frees as much of SPARES as that takes. -ENOSPC: nothing has changed. */
static int make_room(struct dir_pool *d, uint64_t bytes, struct spare *spares, size_t nr)
{
	struct fam_usage usage;
	uint64_t room, taken, spare = spares_sum(spares, nr);
	int r = file_system_room(d, &room);

	if (!r)
		r = dir_usage(&d->pool, &usage);
	if (r)
		return r;
	taken = usage.used + usage.spare;
	if (d->pool.size && d->pool.size - (taken < d->pool.size ? taken : d->pool.size) < room)
		room = d->pool.size - (taken < d->pool.size ? taken : d->pool.size);
	if (bytes <= room)
		return 0;
	if (bytes - room > spare)
		return cr_fail(d->pool.ctx, -ENOSPC,
			       "The pool %s is full: %llu KiB more are needed, %llu KiB are free, spare ones included",
			       d->pool.path, (unsigned long long)(bytes + 1023) >> 10,
			       (unsigned long long)(room + spare) >> 10);
	return spares_cut(d, spares, nr, bytes - room);
}

int dir_space_reserve(struct dir_pool *d, uint64_t bytes)
{
	_cleanup_free_ struct spare *spares = NULL;
	size_t nr = 0;
	int r = spares_read(d, &spares, &nr);

	return r ? r : make_room(d, bytes, spares, nr);
}

/*
 * Which spare file suits NEED bytes; NR: a new one does. To allocate costs about four times what it costs to free, and
 * what stands in too large a file is lost to the next checkpoint; little of it is no loss.
 */
static size_t choose(const struct spare *spares, size_t nr, uint64_t need)
{
	uint64_t best_cost = need * 4;
	size_t best = nr;

	for (size_t i = 0; i < nr; i++) {
		uint64_t have = spares[i].allocated, cost;

		if (have < need)
			cost = (need - have) * 4;
		else
			cost = have - need < SPARE_LITTLE ? (have - need) / 1024 : have - need;
		if (cost < best_cost) {
			best_cost = cost;
			best = i;
		}
	}
	return best;
}

/* Bytes of [AT, END) that the file has not got. */
static uint64_t holes_in(struct hole_map *map, uint64_t at, uint64_t end)
{
	uint64_t sum = 0, stop;
	bool is_data;

	for (; at < end; at = stop) {
		if (hole_map_look(map, at, &is_data, &stop)) /* it can't be told: the most */
			return sum + (end - at);
		if (stop > end)
			stop = end;
		if (!is_data)
			sum += stop - at;
	}
	return sum;
}

/* How much more USED takes than the file has; and what it loses by being cut to SIZE. */
static void compare(int fd, const struct spare *spare, uint64_t size, const struct fam_range *used, size_t nr,
		    uint64_t *ret_more, uint64_t *ret_less)
{
	/* As many blocks as its size takes: no hole. tmpfs doesn't count pages as data that nobody has touched yet. */
	bool full = spare->allocated >= spare->size;
	struct hole_map map = { .fd = fd };
	uint64_t more = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t start = used[i].offset, end = start + used[i].len;

		if (!full)
			more += holes_in(&map, start, end);
		else if (end > spare->size)
			more += end - (start > spare->size ? start : spare->size);
	}
	*ret_more = more;
	*ret_less = 0;
	if (spare->size > size)
		*ret_less = spare->size - size - (full ? 0 : holes_in(&map, size, spare->size));
}

/* Puts the file of FD where the checkpoint has it. */
static int place(struct dir_pool *d, int new_dirfd, const struct spare *spare, int fd, uint64_t size)
{
	char name[FAM_ID_TEXT];

	fam_id_print(spare->id, name);
	if (renameat(d->spare, name, new_dirfd, DIR_PAGES))
		return -errno;
	if (!ftruncate(fd, size))
		return 0;
	return -errno;
}

int dir_space_take(struct dir_pool *d, int new_dirfd, uint64_t size, const struct fam_range *used, size_t nr,
		   int *ret_fd, bool *ret_reused)
{
	_cleanup_free_ struct spare *spares = NULL;
	uint64_t need = 0, more, less = 0;
	_cleanup_close_ int fd = -1;
	struct spare chosen = { 0 };
	size_t nr_spares = 0, at;
	int r = spares_read(d, &spares, &nr_spares);

	if (r)
		return r;
	for (size_t i = 0; i < nr; i++)
		need += used[i].len;
	more = need;
	at = choose(spares, nr_spares, need);
	if (at < nr_spares) {
		chosen = spares[at];
		spares[at] = spares[--nr_spares];
		fd = spare_open(d, chosen.id);
		if (fd < 0)
			return fd;
		compare(fd, &chosen, size, used, nr, &more, &less);
	}
	r = make_room(d, more > less ? more - less : 0, spares, nr_spares);
	if (r)
		return r;
	if (fd >= 0) {
		r = place(d, new_dirfd, &chosen, fd, size);
		d->lost += less;
	} else {
		fd = openat(new_dirfd, DIR_PAGES, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		r = fd < 0 || ftruncate(fd, size) ? -errno : 0;
	}
	if (r)
		return cr_fail_errno(d->pool.ctx, r, "Can't make a page file of %llu bytes in the pool %s",
				     (unsigned long long)size, d->pool.path);
	*ret_reused = chosen.id;
	*ret_fd = take_fd(fd);
	return 0;
}

/* One more was added: the smallest goes if there are too many. */
static int drop_smallest(struct dir_pool *d)
{
	_cleanup_free_ struct spare *spares = NULL;
	size_t nr = 0;
	int r = spares_read(d, &spares, &nr);

	if (r || nr <= SPARES_MAX)
		return r;
	qsort(spares, nr, sizeof(*spares), by_allocated);
	return spare_unlink(d, spares[nr - 1].id);
}

int dir_space_give(struct dir_pool *d, int dirfd, uint64_t id)
{
	char name[FAM_ID_TEXT];
	struct stat st;
	int r = 0;

	fam_id_print(id, name);
	if (fstatat(dirfd, DIR_PAGES, &st, AT_SYMLINK_NOFOLLOW))
		r = errno == ENOENT ? 0 : -errno;
	else if (S_ISREG(st.st_mode) && st.st_blocks)
		r = renameat(dirfd, DIR_PAGES, d->spare, name) ? -errno : drop_smallest(d);
	else if (unlinkat(dirfd, DIR_PAGES, 0))
		r = -errno;
	return r ? cr_fail_errno(d->pool.ctx, r, "Can't free the pages of checkpoint %s in %s", name, d->pool.path) : 0;
}

static int spare_add(struct dir_pool *d, uint64_t size, bool insist)
{
	_cleanup_close_ int fd = -1;
	char name[FAM_ID_TEXT];
	uint64_t id;
	int r;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return -EIO;
	fam_id_print(id | 1, name);
	fd = openat(d->spare, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size))
		return -errno;
	r = dir_preallocate(d, fd, size, insist);
	if (r)
		unlinkat(d->spare, name, 0);
	return r;
}

int dir_space_fill(struct dir_pool *d, uint64_t size)
{
	uint64_t room;
	int r = file_system_room(d, &room);

	if (!r && room < size)
		return cr_fail(d->pool.ctx, -ENOSPC, "A pool of %llu bytes doesn't fit: %llu are free",
			       (unsigned long long)size, (unsigned long long)room);
	for (uint64_t left = size, part; !r && left; left -= part) {
		part = left < 2 * SPARE_MIN ? left : (left / 2 + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1);
		r = spare_add(d, part, true);
	}
	return r ? cr_fail_errno(d->pool.ctx, r, "Can't allocate %llu bytes for the pool %s", (unsigned long long)size,
				 d->pool.path)
		 : 0;
}

void dir_space_refill(struct dir_pool *d)
{
	struct cr_error ignored = { 0 };
	struct cr_ctx *ctx = d->pool.ctx, quiet = { ctx->log, &ignored };
	struct fam_usage usage;
	uint64_t room, bytes = d->lost;

	/* Little is left where it is: it would make many small files. */
	if (!d->pool.size || bytes < SPARE_MIN)
		return;
	d->pool.ctx = &quiet;
	if (!dir_usage(&d->pool, &usage) && usage.used + usage.spare < d->pool.size) {
		room = d->pool.size - usage.used - usage.spare;
		bytes = (bytes < room ? bytes : room) & ~(FAM_ALIGN - 1);
		if (bytes >= SPARE_MIN && !file_system_room(d, &room) && bytes < room)
			spare_add(d, bytes, false);
	}
	d->pool.ctx = ctx;
}
