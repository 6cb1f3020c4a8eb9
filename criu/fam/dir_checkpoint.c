/* SPDX-License-Identifier: GPL-2.0 */
/* A checkpoint's content in a directory pool: its page file, mapped; taken, filled, flushed, read. */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <libpmem.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/madvise.h"
#include "fam/dir.h"
#include "fam/guard.h"
#include "fam/layout.h"
#include "fam/lock.h"
#include "fam/secure.h"
#include "pages/allocate.h"
#include "pages/holes.h"
#include "pages/unmap.h"

/* All of FD's file, to write: with MAP_SYNC where the file system is DAX. */
static int map_to_write(int fd, uint64_t size, char **ret, bool *ret_is_pmem)
{
	char path[32];
	int is_pmem = 0;
	size_t len = 0;
	char *base;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	base = pmem_map_file(path, 0, 0, 0, &len, &is_pmem);
	if (!base)
		return -errno;
	if (len != size) {
		pmem_unmap(base, len);
		return -ESTALE; /* somebody else changes the file */
	}
	*ret = base;
	*ret_is_pmem = is_pmem;
	return 0;
}

/* To read, at a multiple of 2 MiB, so that large pages are mapped as such. */
static int map_to_read(int fd, uint64_t size, char **ret)
{
	char *room = mmap(NULL, size + FAM_ALIGN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *base;
	size_t before;

	if (room == MAP_FAILED)
		return -errno;
	base = (char *)(((uintptr_t)room + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1));
	before = base - room;
	if (before)
		munmap(room, before);
	munmap(base + size, FAM_ALIGN - before);
	if (mmap(base, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
		int r = -errno;

		munmap(base, size);
		return r;
	}
	*ret = base;
	return 0;
}

int dir_preallocate(struct dir_pool *d, int fd, uint64_t size, bool insist)
{
	struct page_allocator allocator;
	bool is_pmem;
	char *base;
	int r = map_to_write(fd, size, &base, &is_pmem);

	if (r)
		return r;
	page_allocator_init(&allocator, fd, base, d->is_tmpfs);
	/* Every dump gains by large pages; who makes a pool can wait for them. */
	allocator.insist |= insist;
	r = pages_allocate(&allocator, 0, size);
	/* An ordinary file system has its blocks now; its page cache isn't the pool's. */
	if (!r && (d->is_tmpfs || is_pmem) && madvise(base, size, MADV_POPULATE_WRITE) && errno != EINVAL)
		r = -errno;
	pmem_unmap(base, size);
	return !r && fsync(fd) ? -errno : r;
}

static struct dir_checkpoint *checkpoint_new(struct dir_pool *d, uint64_t id, uint64_t size)
{
	struct dir_checkpoint *c = malloc(sizeof(*c));

	if (c)
		*c = (struct dir_checkpoint){
			.cp = { .pool = &d->pool,
				.id = id,
				.size = size,
				.fd = -1,
				.hold_fd = -1,
				.is_tmpfs = d->is_tmpfs },
			.dirfd = -1,
		};
	return c;
}

static void checkpoint_free(struct dir_checkpoint *c)
{
	pages_unmap(c->cp.base, c->map_len);
	close_fdp(&c->cp.fd);
	close_fdp(&c->dirfd);
	free(c->used);
	free(c);
}

/* A directory in new/ under an id that nobody has. */
static int make_directory(struct dir_pool *d, uint64_t *ret_id, int *ret_dirfd)
{
	char name[FAM_ID_TEXT];
	uint64_t id;

	do {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return cr_fail(d->pool.ctx, -EIO, "Can't have a random number");
		fam_id_print(id, name);
	} while (!id || !faccessat(d->checkpoints, name, F_OK, AT_SYMLINK_NOFOLLOW) ||
		 !faccessat(d->spare, name, F_OK, AT_SYMLINK_NOFOLLOW) ||
		 !faccessat(d->fresh, name, F_OK, AT_SYMLINK_NOFOLLOW));
	if (mkdirat(d->fresh, name, 0700))
		return cr_fail_errno(d->pool.ctx, -errno, "Can't begin a checkpoint in the pool %s", d->pool.path);
	*ret_id = id;
	*ret_dirfd = fam_open_at(d->pool.ctx, d->fresh, d->pool.path, name, O_RDONLY | O_DIRECTORY);
	return *ret_dirfd < 0 ? *ret_dirfd : 0;
}

/* Before anything is copied: a full pool is an error here, not a SIGBUS later. */
static int map_and_allocate(struct dir_checkpoint *c)
{
	struct page_allocator allocator;
	struct cr_ctx *ctx = c->cp.pool->ctx;
	bool is_full;
	struct stat st;
	int r;

	if (!c->cp.size)
		return 0;
	r = map_to_write(c->cp.fd, c->cp.size, &c->cp.base, &c->cp.is_pmem);
	if (r)
		return cr_fail_errno(ctx, r, "Can't map %llu bytes of the pool %s", (unsigned long long)c->cp.size,
				     c->cp.pool->path);
	c->map_len = c->cp.size;
	r = fam_flush_choose(ctx, c->cp.base, c->map_len, c->cp.is_pmem ? FAM_FLUSH_DIRECT : 0, &c->how);
	if (r)
		return r;
	if (!c->cp.is_pmem && !c->cp.is_tmpfs)
		log_warn(ctx->log, "The pool %s is on an ordinary file system: pages go to its disk", c->cp.pool->path);
	if (fstat(c->cp.fd, &st))
		return -errno;
	/* With as many blocks as its size takes a file has no hole, on tmpfs; looking costs 8 ms per GiB. */
	is_full = c->cp.is_tmpfs && (uint64_t)st.st_blocks * 512 >= c->cp.size;
	page_allocator_init(&allocator, c->cp.fd, c->cp.base, c->cp.is_tmpfs);
	for (size_t i = 0; !r && !is_full && i < c->nr_used; i++)
		r = pages_allocate(&allocator, c->used[i].offset, c->used[i].len);
	return r ? cr_fail_errno(ctx, r, "Can't allocate the pages of a checkpoint in the pool %s", c->cp.pool->path)
		 : 0;
}

int dir_create(struct fam_pool *pool, uint64_t size, const struct fam_range *used, size_t nr,
	       struct fam_checkpoint **ret)
{
	struct dir_pool *d = dir_pool(pool);
	struct dir_checkpoint *c = checkpoint_new(d, 0, size);
	int r;

	if (!c)
		return -ENOMEM;
	c->used = calloc(nr + 1, sizeof(*used));
	if (!c->used) {
		checkpoint_free(c);
		return -ENOMEM;
	}
	if (nr)
		memcpy(c->used, used, nr * sizeof(*used));
	c->nr_used = nr;
	r = make_directory(d, &c->cp.id, &c->dirfd);
	if (!r)
		r = dir_space_take(d, c->dirfd, size, used, nr, &c->cp.fd, &c->is_reused);
	if (!r)
		r = map_and_allocate(c);
	if (r) {
		dir_close_checkpoint(&c->cp);
		return r;
	}
	*ret = &c->cp;
	return 0;
}

static int drop(struct dir_checkpoint *c, uint64_t at, uint64_t end)
{
	if (fallocate(c->cp.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, end - at))
		return -errno;
	dir_pool(c->cp.pool)->lost += end - at;
	return 0;
}

static int zero(struct dir_checkpoint *c, uint64_t at, uint64_t end)
{
	memset(c->cp.base + at, 0, end - at);
	return c->how.by == FLUSH_BY_LINES ? fam_flush(&c->how, c->cp.base + at, end - at) : 0;
}

/* What an earlier owner left in [AT, END), that is there: whole 2 MiB go, the rest is zeroed. */
static int wash_part(struct dir_checkpoint *c, uint64_t at, uint64_t end)
{
	uint64_t first = (at + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1), last = end & ~(FAM_ALIGN - 1);
	int r;

	if (first >= last)
		return zero(c, at, end);
	r = drop(c, first, last);
	if (!r)
		r = zero(c, at, first);
	return r ? r : zero(c, last, end);
}

static int wash(struct dir_checkpoint *c, struct hole_map *map, uint64_t at, uint64_t end)
{
	uint64_t stop;
	bool is_data;
	int r = 0;

	for (; !r && at < end; at = stop) {
		r = hole_map_look(map, at, &is_data, &stop);
		if (stop > end)
			stop = end;
		if (!r && is_data)
			r = wash_part(c, at, stop);
	}
	return r;
}

static int wash_gaps(struct dir_checkpoint *c)
{
	struct hole_map map = { .fd = c->cp.fd };
	uint64_t at = 0;
	int r = 0;

	for (size_t i = 0; !r && i < c->nr_used; i++) {
		r = wash(c, &map, at, c->used[i].offset);
		at = c->used[i].offset + c->used[i].len;
	}
	return r ? r : wash(c, &map, at, c->cp.size);
}

/* By fam_guarded(): the medium may have a bad place, and somebody may cut the file. */
static int make_durable(void *arg)
{
	struct dir_checkpoint *c = arg;
	int r = c->is_reused ? wash_gaps(c) : 0;

	if (!r && c->how.by == FLUSH_BY_MSYNC)
		r = fam_flush(&c->how, c->cp.base, c->map_len);
	for (size_t i = 0; !r && c->how.by == FLUSH_BY_LINES && i < c->nr_used; i++)
		r = fam_flush(&c->how, c->cp.base + c->used[i].offset, c->used[i].len);
	fam_fence(&c->how);
	return r;
}

int dir_flush(struct fam_checkpoint *cp)
{
	int r = cp->base ? fam_guarded(make_durable, dir_checkpoint(cp)) : 0;

	/* The size and the blocks of the file. */
	if (!r && fsync(cp->fd))
		r = -errno;
	return r ? cr_fail_errno(cp->pool->ctx, r, "Can't make the pages in the pool %s durable", cp->pool->path) : 0;
}

void dir_close_checkpoint(struct fam_checkpoint *cp)
{
	struct dir_checkpoint *c = dir_checkpoint(cp);
	struct dir_pool *d = dir_pool(cp->pool);
	bool is_new = !cp->committed && cp->id;
	uint64_t id = cp->id;

	checkpoint_free(c);
	/* What can't be freed now the next writer will free. */
	if (is_new)
		dir_dissolve(d, id);
}

/* The content of the committed checkpoint whose directory c->dirfd is; a lock keeps it from being removed. */
static int open_pages(struct dir_pool *d, struct dir_checkpoint *c, const char *name)
{
	char path[FAM_ID_TEXT + 16];
	struct stat st, now;

	c->cp.fd = fam_open_at(d->pool.ctx, c->dirfd, d->pool.path, DIR_PAGES, O_RDONLY);
	if (c->cp.fd < 0)
		return c->cp.fd;
	if (flock(c->cp.fd, LOCK_SH | LOCK_NB))
		return errno == EWOULDBLOCK ? -ENOENT : -errno;
	c->cp.hold_fd = c->cp.fd;
	/* Was it removed before we had the lock? */
	snprintf(path, sizeof(path), "%s/" DIR_PAGES, name);
	if (fstat(c->cp.fd, &st) || fstatat(d->checkpoints, path, &now, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (st.st_ino != now.st_ino || st.st_dev != now.st_dev)
		return -ENOENT;
	if ((uint64_t)st.st_size != c->cp.size)
		return cr_fail(d->pool.ctx, -EPROTO,
			       "Checkpoint %s in %s is damaged: its pages take %llu bytes, not %llu", name,
			       d->pool.path, (unsigned long long)st.st_size, (unsigned long long)c->cp.size);
	return 0;
}

static int open_committed(struct dir_pool *d, struct dir_checkpoint *c, const char *name)
{
	struct fam_info info = { 0 };
	int r;

	c->dirfd = fam_open_at(d->pool.ctx, d->checkpoints, d->pool.path, name, O_RDONLY | O_DIRECTORY);
	if (c->dirfd < 0)
		return c->dirfd;
	r = dir_record_read(d, c->cp.id, c->dirfd, &info);
	if (r)
		return r;
	if (info.state == FAM_INCOMPLETE)
		r = cr_fail(d->pool.ctx, -ENOENT,
			    "Checkpoint %s in the pool %s was never finished: %s has no inventory", name, d->pool.path,
			    info.images_dir);
	free(info.images_dir);
	if (r)
		return r;
	c->cp.size = info.size;
	r = open_pages(d, c, name);
	if (!r && c->cp.size)
		r = map_to_read(c->cp.fd, c->cp.size, &c->cp.base);
	if (!r)
		c->map_len = c->cp.size;
	return r;
}

int dir_open_checkpoint(struct fam_pool *pool, uint64_t id, struct fam_checkpoint **ret)
{
	struct dir_pool *d = dir_pool(pool);
	struct dir_checkpoint *c = checkpoint_new(d, id, 0);
	char name[FAM_ID_TEXT];
	int r;

	if (!c)
		return -ENOMEM;
	c->cp.committed = true;
	fam_id_print(id, name);
	r = open_committed(d, c, name);
	if (r) {
		checkpoint_free(c);
		if (r == -ENOENT)
			return cr_fail(pool->ctx, r, "The pool %s has no checkpoint %s", pool->path, name);
		return cr_fail_errno(pool->ctx, r, "Can't open checkpoint %s in the pool %s", name, pool->path);
	}
	c->cp.is_pmem = pmem_is_pmem(c->cp.base, c->map_len);
	*ret = &c->cp;
	return 0;
}
