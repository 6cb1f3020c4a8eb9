/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/linear.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "fam/archive.h"
#include "fam/guard.h"

/* Blocks are there, in a file that may have holes. */
static int allocate(const struct linear *linear, const struct fam_fragment *fragments, size_t nr)
{
	for (size_t i = 0; i < nr && !linear->medium.is_dax; i++)
		while (fallocate(linear->medium.fd, 0, fragments[i].first * (off_t)LINEAR_BLOCK,
				 fragments[i].nr * (off_t)LINEAR_BLOCK))
			if (errno != EINTR)
				return errno == ENOMEM ? -ENOSPC : -errno;
	return 0;
}

static void give_back(struct linear *linear, struct linear_checkpoint *c)
{
	linear->nr_new--;
	for (size_t i = 0; i < c->nr_fragments; i++)
		fam_blocks_give(&linear->blocks, c->fragments[i]);
	c->nr_fragments = 0;
	if (c->archive.nr)
		fam_blocks_give(&linear->blocks, c->archive);
	c->archive.nr = 0;
}

static int take_archive(struct linear *linear, struct linear_checkpoint *c, uint32_t nr)
{
	struct fam_fragment found;
	size_t pieces;
	int r = fam_blocks_find(&linear->blocks, nr, &found, 1, &pieces);

	if (r)
		return r;
	c->archive = found;
	return allocate(linear, &found, 1);
}

static int take_blocks(struct linear *linear, struct linear_checkpoint *c, uint64_t size)
{
	struct fam_blocks *blocks = &linear->blocks;
	uint64_t want = size / LINEAR_BLOCK;
	int r;

	/* The images will take one block at least: better to know now. */
	if (want >= blocks->nr_free || linear_free_slot(linear) < 0)
		return -ENOSPC;
	r = want ? fam_blocks_find(blocks, want, c->fragments, LINEAR_FRAGMENTS, &c->nr_fragments) : 0;
	if (!r)
		r = take_archive(linear, c, 1);
	return r ?: allocate(linear, c->fragments, c->nr_fragments);
}

static struct linear_checkpoint *new_checkpoint(struct linear *linear, uint64_t id, uint64_t size)
{
	struct linear_checkpoint *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->cp = (struct fam_checkpoint){ .pool = &linear->pool, .id = id, .size = size, .fd = -1, .hold_fd = -1 };
	c->cp.is_pmem = linear->medium.is_dax;
	return c;
}

static int random_id(struct linear *linear, uint64_t *ret)
{
	do {
		if (getrandom(ret, sizeof(*ret), 0) != sizeof(*ret))
			return -errno;
	} while (!*ret || linear_find(linear, *ret));
	return 0;
}

static int refuse_damaged(const struct linear *linear)
{
	for (size_t i = 0; i < linear->nr_entries; i++)
		if (linear->entries[i].fault)
			return cr_fail(linear->pool.ctx, -EPROTO,
				       "The pool %s is damaged, slot %u has %s: what is free can't be told before that "
				       "is removed",
				       linear->pool.path, linear->entries[i].slot, linear->entries[i].fault);
	return 0;
}

int linear_create(struct fam_pool *pool, uint64_t size, const struct fam_range *used, size_t nr,
		  struct fam_checkpoint **ret)
{
	struct linear *linear = (struct linear *)pool;
	uint32_t nr_free = linear->blocks.nr_free;
	struct linear_checkpoint *c;
	uint64_t id;
	int r = linear_check_lease(linear);

	if (!r)
		r = refuse_damaged(linear);
	if (!r)
		r = random_id(linear, &id);
	if (r)
		return r;
	c = new_checkpoint(linear, id, size);
	if (!c)
		return -ENOMEM;
	linear->nr_new++;
	c->used = calloc(nr + 1, sizeof(*used));
	if (c->used)
		memcpy(c->used, used, nr * sizeof(*used));
	c->nr_used = nr;
	r = c->used ? take_blocks(linear, c, size) : -ENOMEM;
	if (r == -ENOSPC)
		cr_fail(pool->ctx, r,
			"The pool %s is full: %llu bytes are wanted and 2 MiB for the images, %llu of %llu are free",
			pool->path, (unsigned long long)size, (unsigned long long)nr_free * LINEAR_BLOCK,
			(unsigned long long)linear->super.size);
	if (!r)
		r = linear_map(pool->ctx, &linear->medium, c->fragments, c->nr_fragments, true, &c->cp.base);
	if (r) {
		linear_close_checkpoint(&c->cp);
		return r;
	}
	*ret = &c->cp;
	return 0;
}

/* What lies between the ranges was an earlier owner's. By fam_guarded(), as all that stores to the medium. */
static int flush_content(void *arg)
{
	const struct linear_checkpoint *c = arg;
	const struct fam_flush *flush = &((struct linear *)c->cp.pool)->flush;
	uint64_t at = 0;
	int r = 0;

	for (size_t i = 0; !r && i < c->nr_used; i++) {
		const struct fam_range *used = &c->used[i];

		r = fam_flush_zero(flush, c->cp.base + at, used->offset - at);
		if (!r)
			r = fam_flush(flush, c->cp.base + used->offset, used->len);
		at = used->offset + used->len;
	}
	if (!r)
		r = fam_flush_zero(flush, c->cp.base + at, c->cp.size - at);
	fam_fence(flush);
	return r;
}

int linear_flush(struct fam_checkpoint *cp)
{
	int r = fam_guarded(flush_content, cp);

	return r ? cr_fail_errno(cp->pool->ctx, r, "Can't make a checkpoint durable in %s", cp->pool->path) : 0;
}

/* Bytes for the copy of the images; none: that was all, and the rest is zeroed. */
struct archive_put {
	const struct fam_flush *flush;
	char *begin, *at, *end;
	const void *data;
	size_t len;
};

static int put_guarded(void *arg)
{
	struct archive_put *put = arg;

	memcpy(put->at, put->data, put->len);
	put->at += put->len;
	return 0;
}

static int put_archive(void *arg, const void *data, size_t len)
{
	struct archive_put *put = arg;

	put->data = data;
	put->len = len;
	return fam_guarded(put_guarded, put);
}

static int end_archive(void *arg)
{
	const struct archive_put *put = arg;
	int r = fam_flush(put->flush, put->begin, put->at - put->begin);

	return r ?: fam_flush_zero(put->flush, put->at, put->end - put->at);
}

/* Into an extent of its own, the rest of it zeroed. */
static int write_archive(struct linear *linear, struct linear_checkpoint *c, int dirfd)
{
	struct fam_archive_plan plan = { 0 };
	struct cr_ctx *ctx = linear->pool.ctx;
	struct archive_put put = { &linear->flush };
	uint64_t room = 0;
	char *map = NULL;
	uint32_t want;
	int r = fam_archive_plan(ctx, dirfd, &plan);

	if (r)
		return r;
	want = (plan.size + LINEAR_BLOCK - 1) / LINEAR_BLOCK;
	if (want > c->archive.nr) {
		fam_blocks_give(&linear->blocks, c->archive);
		c->archive.nr = 0;
		r = take_archive(linear, c, want);
	}
	if (r == -ENOSPC)
		cr_fail(ctx, r, "The pool %s is full: no room for a copy of the images, %llu bytes in one piece",
			linear->pool.path, (unsigned long long)plan.size);
	if (!r)
		r = linear_map(ctx, &linear->medium, &c->archive, 1, true, &map);
	if (!r) {
		room = c->archive.nr * LINEAR_BLOCK;
		put.begin = put.at = map;
		put.end = map + room;
		r = fam_archive_write(ctx, dirfd, &plan, put_archive, &put);
	}
	if (!r)
		r = fam_guarded(end_archive, &put);
	if (map)
		munmap(map, room);
	c->archive_len = plan.size;
	fam_archive_plan_free(&plan);
	return r;
}

static int fill_slot(const struct linear_checkpoint *c, const struct fam_commit *args, struct fam_linear_slot *slot)
{
	const struct linear *linear = (const struct linear *)c->cp.pool;
	size_t path_len = strlen(args->images_dir);

	if (path_len >= LINEAR_PATH_MAX)
		return -ENAMETOOLONG;
	*slot = (struct fam_linear_slot){
		.id = c->cp.id,
		.size = c->cp.size,
		.created = time(NULL),
		.archive_len = c->archive_len,
		.flags = args->flags,
		.nr_fragments = c->nr_fragments,
		.archive = c->archive,
		.path_len = path_len,
	};
	memcpy(slot->host, linear->host.name, LINEAR_HOST_LEN);
	memcpy(slot->path, args->images_dir, path_len);
	memcpy(slot->fragments, c->fragments, c->nr_fragments * sizeof(*c->fragments));
	slot->commit = fam_linear_commit_word(slot);
	return 0;
}

struct slot_write {
	const struct fam_flush *flush;
	struct fam_linear_slot *slot;
	const struct fam_linear_slot *from;
};

/* All but the commit word, which is 0 before and after. */
static int write_slot(void *arg)
{
	const struct slot_write *w = arg;
	size_t len = sizeof(*w->slot) - offsetof(struct fam_linear_slot, id);

	memcpy(&w->slot->id, &w->from->id, len);
	return fam_persist(w->flush, &w->slot->id, len);
}

int linear_commit(struct fam_checkpoint *cp, const struct fam_commit *args)
{
	struct linear_checkpoint *c = (struct linear_checkpoint *)cp;
	struct linear *linear = (struct linear *)cp->pool;
	_cleanup_free_ struct fam_linear_slot *slot = calloc(1, sizeof(*slot));
	int64_t number = linear_free_slot(linear);
	int r = slot ? linear_check_lease(linear) : -ENOMEM;

	if (!r)
		r = write_archive(linear, c, args->images_dirfd);
	if (!r)
		r = fill_slot(c, args, slot);
	if (!r && number < 0)
		r = -ENOSPC;
	if (!r)
		r = linear_check_lease(linear);
	if (!r)
		r = fam_guarded(write_slot, &(struct slot_write){ &linear->flush, linear_slot(linear, number), slot });
	if (!r) {
		r = linear_switch(linear, number, slot->commit);
		if (r)
			linear_switch(linear, number, 0);
	}
	if (r)
		return cr_fail_errno(cp->pool->ctx, r, "Can't commit a checkpoint in %s", cp->pool->path);
	cp->committed = true;
	linear->nr_new--;
	linear_note(linear, number, take_ptr(slot));
	mprotect(cp->base, cp->size, PROT_READ);
	return 0;
}

void linear_close_checkpoint(struct fam_checkpoint *cp)
{
	struct linear_checkpoint *c = (struct linear_checkpoint *)cp;

	if (cp->base)
		munmap(cp->base, cp->size);
	if (!cp->committed)
		give_back((struct linear *)cp->pool, c);
	close_fdp(&cp->hold_fd);
	free(c->used);
	free(c);
}

/* The entry that has ID, as the medium has it now: who writes has the lease, and knows. */
static int find_entry(struct linear *linear, uint64_t id, struct linear_entry **ret)
{
	int r = linear->pool.access == FAM_WRITE ? 0 : linear_load(linear);
	struct linear_entry *entry;
	char text[FAM_ID_TEXT];

	if (r)
		return r;
	fam_id_print(id, text);
	entry = linear_find(linear, id);
	if (!entry)
		return cr_fail(linear->pool.ctx, -ENOENT, "The pool %s has no checkpoint %s", linear->pool.path, text);
	if (entry->fault)
		return cr_fail(linear->pool.ctx, -EPROTO, "Checkpoint %s of the pool %s is damaged: %s", text,
			       linear->pool.path, entry->fault);
	if (linear_state(linear, entry->copy) == FAM_INCOMPLETE)
		return cr_fail(linear->pool.ctx, -ENOENT, "Checkpoint %s of the pool %s was never finished", text,
			       linear->pool.path);
	*ret = entry;
	return 0;
}

/* The same, and it stays as long as the descriptor RET_LOCK is open. */
static int find_locked(struct linear *linear, uint64_t id, struct linear_entry **ret, int *ret_lock)
{
	_cleanup_close_ int lock = -1;
	int r = find_entry(linear, id, ret);

	if (r)
		return r;
	lock = linear_lock_slot(linear, (*ret)->slot);
	if (lock < 0) {
		char text[FAM_ID_TEXT];

		fam_id_print(id, text);
		return cr_fail_errno(linear->pool.ctx, lock, "Can't hold checkpoint %s of the pool %s", text,
				     linear->pool.path);
	}
	r = find_entry(linear, id, ret);
	if (!r)
		*ret_lock = take_fd(lock);
	return r;
}

/* What another host stored, and not what our caches have had since an earlier owner's time. */
static int see_others(void *arg)
{
	const struct linear_checkpoint *c = arg;

	fam_invalidate(c->cp.base, c->cp.size);
	return 0;
}

int linear_open_checkpoint(struct fam_pool *pool, uint64_t id, struct fam_checkpoint **ret)
{
	struct linear *linear = (struct linear *)pool;
	_cleanup_close_ int lock = -1;
	struct linear_checkpoint *c;
	struct linear_entry *entry;
	int r = find_locked(linear, id, &entry, &lock);

	if (r)
		return r;
	c = new_checkpoint(linear, id, entry->copy->size);
	if (!c)
		return -ENOMEM;
	c->cp.committed = true;
	c->cp.hold_fd = take_fd(lock);
	c->nr_fragments = entry->copy->nr_fragments;
	memcpy(c->fragments, entry->copy->fragments, sizeof(c->fragments));
	c->archive = entry->copy->archive;
	c->archive_len = entry->copy->archive_len;
	r = linear_map(pool->ctx, &linear->medium, c->fragments, c->nr_fragments, false, &c->cp.base);
	/* Flushing lines of a bad place is a SIGBUS, too. */
	if (!r && linear->medium.is_dax && (r = fam_guarded(see_others, c)))
		cr_fail_errno(pool->ctx, r, "Can't read checkpoint %016llx of the pool %s", (unsigned long long)id,
			      pool->path);
	if (r) {
		linear_close_checkpoint(&c->cp);
		return r;
	}
	*ret = &c->cp;
	return 0;
}

static int refuse_read(struct linear *linear, uint32_t slot, const char *id)
{
	pid_t reader = linear_slot_reader(linear, slot);

	if (reader)
		return cr_fail(linear->pool.ctx, -EBUSY, "Checkpoint %s of the pool %s is being read by process %d", id,
			       linear->pool.path, reader);
	return cr_fail(linear->pool.ctx, -EBUSY, "Checkpoint %s of the pool %s is being read by another process", id,
		       linear->pool.path);
}

int linear_remove(struct fam_pool *pool, uint64_t id)
{
	struct linear *linear = (struct linear *)pool;
	struct linear_entry *entry = linear_find(linear, id);
	char text[FAM_ID_TEXT];
	bool was_damaged;
	uint32_t slot;
	int r;

	fam_id_print(id, text);
	if (!entry)
		return cr_fail(pool->ctx, -ENOENT, "The pool %s has no checkpoint %s", pool->path, text);
	slot = entry->slot;
	was_damaged = entry->fault;
	r = linear_claim_slot(linear, slot);
	if (r == -EBUSY)
		return refuse_read(linear, slot, text);
	if (!r)
		r = linear_switch(linear, slot, 0);
	if (r)
		cr_fail_errno(pool->ctx, r, "Can't remove checkpoint %s of the pool %s", text, pool->path);
	else
		linear_drop(linear, entry);
	linear_unclaim_slot(linear, slot);
	/* What it had in common with others is theirs now. */
	return !r && was_damaged && !linear->nr_new ? linear_load(linear) : r;
}

int linear_note_orphan(struct fam_pool *pool, uint64_t id, uint64_t since)
{
	struct linear *linear = (struct linear *)pool;
	struct linear_entry *entry;
	int r = find_entry(linear, id, &entry);

	if (r)
		return r;
	r = linear_mark(linear, entry, since);
	if (r)
		return cr_fail_errno(pool->ctx, r, "Can't mark a checkpoint of the pool %s", pool->path);
	entry->copy->orphan_since = since;
	return 0;
}

int linear_images(struct fam_checkpoint *cp, int (*each)(void *arg, const char *name, const void *data, size_t len),
		  void *arg)
{
	struct linear_checkpoint *c = (struct linear_checkpoint *)cp;
	struct linear *linear = (struct linear *)cp->pool;
	_cleanup_free_ char *buf = malloc(c->archive_len);
	char *map = NULL;
	int r = buf ? linear_map(cp->pool->ctx, &linear->medium, &c->archive, 1, false, &map) : -ENOMEM;

	if (r)
		return r;
	r = linear_peek(buf, map, c->archive_len);
	munmap(map, c->archive.nr * LINEAR_BLOCK);
	if (!r)
		r = fam_archive_read(buf, c->archive_len, NULL, NULL);
	if (r) {
		char text[FAM_ID_TEXT];

		fam_id_print(cp->id, text);
		return cr_fail_errno(cp->pool->ctx, r, "The copy of the images of checkpoint %s is damaged", text);
	}
	return fam_archive_read(buf, c->archive_len, each, arg);
}
