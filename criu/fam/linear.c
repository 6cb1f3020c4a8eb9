/* SPDX-License-Identifier: GPL-2.0 */
/* Linear pools: found, opened, closed, made; what they say about themselves. */
#include "fam/linear.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "fam/lock.h"
#include "fam/state.h"

static bool on_hugetlbfs(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == HUGETLBFS_MAGIC;
}

static bool linear_fits(int fd, const struct stat *st)
{
	return (S_ISCHR(st->st_mode) && linear_is_dax(st->st_rdev)) || (S_ISDIR(st->st_mode) && on_hugetlbfs(fd));
}

static void linear_close(struct fam_pool *pool)
{
	struct linear *linear = (struct linear *)pool;

	if (linear->lease.places)
		fam_lease_give(&linear->lease);
	if (linear->head)
		munmap(linear->head, linear->super.data_block * LINEAR_BLOCK);
	linear_forget(linear);
	/* By its name: a process forked meanwhile may have the descriptor, too. */
	if (pool->access == FAM_WRITE)
		flock(linear->medium.fd, LOCK_UN);
	close_fdp(&linear->medium.fd);
	free(linear);
}

static void linear_closep(struct linear **linear)
{
	if (*linear)
		linear_close(&(*linear)->pool);
}

/* The superblock of MEDIUM. */
static int read_super(struct cr_ctx *ctx, const char *path, const struct linear_medium *medium,
		      struct fam_linear_super *ret)
{
	const struct fam_fragment first = { 0, 1 };
	char *map;
	int r;

	if (medium->size < LINEAR_BLOCK)
		return cr_fail(ctx, -EPROTO, "%s has %llu bytes: no pool is there", path,
			       (unsigned long long)medium->size);
	r = linear_map(ctx, medium, &first, 1, false, &map);
	if (r)
		return r;
	r = linear_super_read(ctx, path, medium, map, ret);
	munmap(map, LINEAR_BLOCK);
	return r;
}

int linear_map_head(struct linear *linear, bool writable)
{
	const struct fam_fragment head = { 0, linear->super.data_block };

	return linear_map(linear->pool.ctx, &linear->medium, &head, 1, writable, &linear->head);
}

int linear_choose_flush(struct linear *linear, const struct fam_flush_observer *observer)
{
	unsigned flags = linear->medium.is_dax ? FAM_FLUSH_DIRECT | FAM_FLUSH_SHARED : 0;
	int r = fam_flush_choose(linear->pool.ctx, linear->head, linear->super.data_block * LINEAR_BLOCK, flags,
				 &linear->flush);

	linear->flush.observer = observer;
	return r;
}

enum fam_state linear_state(const struct linear *linear, const struct fam_linear_slot *slot)
{
	return fam_images_state(linear->pool.uuid, slot->id, slot->path, slot->host, linear->host.name);
}

/* Who only reads can do without a name. */
static int read_host(struct linear *linear)
{
	struct cr_error ignored = { 0 };
	struct cr_ctx ctx = { linear->pool.ctx->log, &ignored };

	if (!linear->medium.is_dax && !getenv(FAM_HOST_ENV))
		return 0;
	if (linear->pool.access == FAM_READ) {
		fam_host_read(&ctx, &linear->host);
		return 0;
	}
	return fam_host_read(linear->pool.ctx, &linear->host);
}

/* Of a medium that other hosts may have. */
static int take_lease(struct linear *linear, unsigned wait_seconds, bool force)
{
	struct fam_lease lease = {
		.ctx = linear->pool.ctx,
		.path = linear->pool.path,
		.places = (struct fam_lease_place *)(linear->head + LINEAR_LEASES),
		.how = linear->flush,
		.host = linear->host,
	};
	int r;

	if (!linear->host.name[0])
		return 0;
	r = fam_lease_take(&lease, wait_seconds, force);
	if (!r)
		linear->lease = lease;
	return r;
}

/* What a killed writer left behind between its record and its inventory. */
static int recover(struct linear *linear)
{
	struct cr_error error = { 0 };
	struct cr_ctx *ctx = linear->pool.ctx, quiet = { ctx->log, &error };
	int r = 0;

	linear->pool.ctx = &quiet;
	for (size_t i = linear->nr_entries; !r && i-- > 0;) {
		struct linear_entry *entry = &linear->entries[i];

		if (entry->fault || linear_state(linear, entry->copy) != FAM_INCOMPLETE)
			continue;
		log_info(ctx->log, "%s: frees a checkpoint that was never finished, %s", linear->pool.path,
			 entry->copy->path);
		r = linear_remove(&linear->pool, entry->copy->id);
		if (r == -EBUSY && !linear_check_lease(linear)) {
			/* Somebody reads it: the next writer's, then. */
			error = (struct cr_error){ 0 };
			r = 0;
		}
	}
	linear->pool.ctx = ctx;
	return r ? cr_fail(ctx, r, "%s", error.text) : 0;
}

int linear_open_fd(const struct fam_open_args *args, int fd, const struct fam_flush_observer *observer,
		   struct fam_pool **ret)
{
	__cleanup(linear_closep) struct linear *linear = calloc(1, sizeof(*linear));
	bool writable = args->access == FAM_WRITE;
	int r;

	if (!linear) {
		close(fd);
		return -ENOMEM;
	}
	linear->pool = (struct fam_pool){ .ctx = args->ctx, .path = (char *)args->path, .fd = fd };
	linear->pool.ops = &fam_linear_ops;
	linear->medium.fd = fd;
	if (writable) {
		r = fam_lock_exclusive(args->ctx, fd, args->path, args->wait_seconds);
		if (r)
			return r;
	}
	linear->pool.access = args->access;
	r = linear_medium_probe(args->ctx, fd, args->path, &linear->medium);
	if (!r)
		r = read_super(args->ctx, args->path, &linear->medium, &linear->super);
	if (!r)
		r = linear_map_head(linear, writable);
	if (!r)
		r = linear_choose_flush(linear, observer);
	if (r)
		return r;
	memcpy(linear->pool.uuid, linear->super.uuid, FAM_UUID_LEN);
	linear->pool.size = linear->super.size;
	linear->pool.caps = linear->medium.is_dax ? FAM_CAP_PMEM : 0;
	r = read_host(linear);
	if (!r && writable)
		r = take_lease(linear, args->wait_seconds, args->force);
	if (!r)
		r = linear_load(linear);
	if (!r && writable)
		r = recover(linear);
	if (!r)
		*ret = &take_ptr(linear)->pool;
	return r;
}

static int linear_open(const struct fam_open_args *args, struct fam_pool **ret)
{
	int fd = linear_medium_open(args->ctx, args->path, args->access == FAM_WRITE ? O_RDWR : O_RDONLY);

	if (fd == -ENOENT)
		return cr_fail(args->ctx, -EPROTO, "%s isn't a pool: on hugetlbfs `criu fam init --size` makes one",
			       args->path);
	return fd < 0 ? fd : linear_open_fd(args, fd, NULL, ret);
}

static bool fill_info(const struct linear *linear, const struct linear_entry *entry, struct fam_info *ret)
{
	const struct fam_linear_slot *slot = entry->copy;

	*ret = (struct fam_info){ .id = slot->id, .state = FAM_DAMAGED };
	if (!entry->fault)
		*ret = (struct fam_info){
			.id = slot->id,
			.state = linear_state(linear, slot),
			.flags = slot->flags,
			.size = slot->size,
			.allocated = slot->size + linear_bytes(&slot->archive, 1),
			.created = slot->created,
			.orphan_since = slot->orphan_since,
		};
	ret->images_dir = strdup(entry->fault ? "" : slot->path);
	return ret->images_dir;
}

static int linear_list(struct fam_pool *pool, struct fam_info **ret, size_t *ret_nr)
{
	struct linear *linear = (struct linear *)pool;
	struct fam_info *list;
	size_t nr = 0;
	int r = pool->access == FAM_WRITE ? 0 : linear_load(linear);

	if (r)
		return r;
	list = calloc(linear->nr_entries + 1, sizeof(*list));
	for (size_t i = 0; list && i < linear->nr_entries; i++) {
		if (fill_info(linear, &linear->entries[i], &list[nr++]))
			continue;
		fam_list_free(list, nr);
		list = NULL;
	}
	if (!list)
		return -ENOMEM;
	*ret = list;
	*ret_nr = nr;
	return 0;
}

/* Bytes of the free blocks that the medium has; of a file some may have been given back. */
static uint64_t spare_bytes(const struct linear *linear)
{
	uint64_t free_bytes = linear->blocks.nr_free * LINEAR_BLOCK, used = linear->super.size - free_bytes, there;
	struct stat st;

	if (linear->medium.is_dax || fstat(linear->medium.fd, &st))
		return free_bytes;
	there = st.st_blocks * 512ull;
	return there > used ? there - used : 0;
}

static int linear_usage(struct fam_pool *pool, struct fam_usage *ret)
{
	struct linear *linear = (struct linear *)pool;
	int r = pool->access == FAM_WRITE ? 0 : linear_load(linear);
	uint64_t head = linear->super.data_block * LINEAR_BLOCK;

	if (r)
		return r;
	ret->size = linear->super.size - head;
	ret->used = ret->size - linear->blocks.nr_free * LINEAR_BLOCK;
	ret->spare = spare_bytes(linear);
	return 0;
}

/* A device can't give anything back. */
static int linear_trim(struct fam_pool *pool, uint64_t keep)
{
	struct linear *linear = (struct linear *)pool;
	uint64_t keep_blocks = keep / LINEAR_BLOCK + !!(keep % LINEAR_BLOCK);
	struct fam_fragment run = { 0, 0 };

	while (!linear->medium.is_dax && (run = fam_blocks_run(&linear->blocks, run.first + run.nr)).nr) {
		uint32_t kept = run.nr < keep_blocks ? run.nr : keep_blocks;

		keep_blocks -= kept;
		if (kept < run.nr &&
		    fallocate(linear->medium.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      (run.first + kept) * (off_t)LINEAR_BLOCK, (run.nr - kept) * (off_t)LINEAR_BLOCK))
			return cr_fail_errno(pool->ctx, -errno, "Can't give back memory of the pool %s", pool->path);
	}
	return 0;
}

const struct fam_pool_ops fam_linear_ops = {
	.name = "linear",
	.fits = linear_fits,
	.init = linear_init,
	.open = linear_open,
	.close = linear_close,
	.create = linear_create,
	.flush = linear_flush,
	.commit = linear_commit,
	.close_checkpoint = linear_close_checkpoint,
	.open_checkpoint = linear_open_checkpoint,
	.remove = linear_remove,
	.note_orphan = linear_note_orphan,
	.list = linear_list,
	.usage = linear_usage,
	.trim = linear_trim,
	.images = linear_images,
};
