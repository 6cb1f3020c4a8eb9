/* SPDX-License-Identifier: GPL-2.0 */
/* What is committed: read from the medium, checked, kept in our own memory. */
#include "fam/linear.h"

#include <string.h>
#include <sys/uio.h>

#include "fam/guard.h"

#define COMMITS_AT_ONCE 512u

/* Another host may switch and write a slot while we read it. */
#define TRIES 3

static int check_super(struct cr_ctx *ctx, const char *path, const struct linear_medium *medium,
		       const struct fam_linear_super super[2], struct fam_linear_super *ret)
{
	bool is_pool[2];

	for (int i = 0; i < 2; i++) {
		is_pool[i] = !memcmp(super[i].magic, LINEAR_MAGIC, sizeof(super[i].magic));
		if (is_pool[i] && super[i].version == LINEAR_VERSION &&
		    !fam_linear_super_fault(&super[i], medium->size)) {
			*ret = super[i];
			return 0;
		}
	}
	for (int i = 0; i < 2; i++)
		if (is_pool[i] && super[i].version && super[i].version != LINEAR_VERSION)
			return cr_fail(ctx, -EPROTONOSUPPORT, "%s is a pool of version %u: this program knows %u", path,
				       super[i].version, LINEAR_VERSION);
	for (int i = 0; i < 2; i++)
		if (is_pool[i])
			return cr_fail(ctx, -EPROTO, "The pool %s is damaged: %s", path,
				       fam_linear_super_fault(&super[i], medium->size));
	return cr_fail(ctx, -EPROTO, "%s holds no pool: \"criu fam init\" makes one", path);
}

int linear_super_read(struct cr_ctx *ctx, const char *path, const struct linear_medium *medium, const char *head,
		      struct fam_linear_super *ret)
{
	struct fam_linear_super super[2] = { 0 };
	int r = 0, bad = 0;

	for (int i = 0; i < 2; i++) {
		r = linear_peek(&super[i], head + i * LINEAR_SUPER_COPY, sizeof(super[i]));
		bad += !!r;
	}
	if (bad == 2)
		return cr_fail_errno(ctx, r, "Can't read the superblock of %s", path);
	return check_super(ctx, path, medium, super, ret);
}

struct fam_linear_slot *linear_slot(const struct linear *linear, uint32_t slot)
{
	cr_assert(slot < linear->super.nr_slots);
	return (struct fam_linear_slot *)(linear->head + LINEAR_SLOTS) + slot;
}

static uint64_t commit_word(const struct fam_linear_slot *slot)
{
	fam_invalidate(slot, sizeof(slot->commit));
	return __atomic_load_n(&slot->commit, __ATOMIC_ACQUIRE);
}

/* The commit words of all slots; not 0 where that can't be read, either. By one call for many. */
static void read_commits(const struct linear *linear, uint64_t *words)
{
	struct iovec from[COMMITS_AT_ONCE];

	for (uint32_t first = 0, nr; first < linear->super.nr_slots; first += nr) {
		struct iovec to = { words + first, 0 };
		ssize_t len;

		nr = linear->super.nr_slots - first;
		if (nr > COMMITS_AT_ONCE)
			nr = COMMITS_AT_ONCE;
		for (uint32_t i = 0; i < nr; i++)
			from[i] = (struct iovec){ &linear_slot(linear, first + i)->commit, sizeof(*words) };
		to.iov_len = nr * sizeof(*words);
		/* Where that went well nothing is bad, and lines can be flushed. */
		len = process_vm_readv(getpid(), &to, 1, from, nr, 0);
		for (uint32_t i = 0; len == (ssize_t)to.iov_len && i < nr; i++)
			fam_invalidate(from[i].iov_base, sizeof(*words));
		if (len != (ssize_t)to.iov_len || process_vm_readv(getpid(), &to, 1, from, nr, 0) != len)
			memset(words + first, 0xff, to.iov_len);
	}
}

/* 1: COPY is what SLOT holds, and FAULT what is wrong with it; 0: it is free; -errno. */
static int read_slot(const struct linear *linear, uint32_t number, struct fam_linear_slot *copy, const char **fault)
{
	const struct fam_linear_slot *slot = linear_slot(linear, number);
	int r = 0;

	for (int i = 0; i < TRIES; i++) {
		uint64_t commit;

		/* Not by commit_word() at first: that place may be bad, too. */
		r = linear_peek(&commit, &slot->commit, sizeof(commit));
		if (!r && !commit)
			return 0;
		if (!r)
			r = linear_peek(copy, slot, sizeof(*copy));
		if (r)
			break;
		*fault = fam_linear_slot_fault(&linear->super, copy);
		if (!*fault || (copy->commit == commit && commit_word(slot) == commit && i))
			return 1;
	}
	if (r)
		*fault = r == -EIO ? "a bad place on the medium" : NULL;
	return *fault ? 1 : r;
}

/* All blocks of SLOT are taken; false, and nothing changed: some are already, or twice. */
static bool take_blocks(struct fam_blocks *blocks, const struct fam_linear_slot *slot)
{
	uint32_t n = 0;

	if (!fam_blocks_take(blocks, slot->archive))
		return false;
	while (n < slot->nr_fragments && fam_blocks_take(blocks, slot->fragments[n]))
		n++;
	if (n == slot->nr_fragments)
		return true;
	while (n)
		fam_blocks_give(blocks, slot->fragments[--n]);
	fam_blocks_give(blocks, slot->archive);
	return false;
}

static bool touches(struct fam_fragment a, struct fam_fragment b)
{
	return a.first < b.first + (uint64_t)b.nr && b.first < a.first + (uint64_t)a.nr;
}

static bool fragment_touches(struct fam_fragment f, const struct fam_linear_slot *slot)
{
	for (uint32_t i = 0; i < slot->nr_fragments; i++)
		if (touches(f, slot->fragments[i]))
			return true;
	return touches(f, slot->archive);
}

static bool slots_touch(const struct fam_linear_slot *a, const struct fam_linear_slot *b)
{
	for (uint32_t i = 0; i < a->nr_fragments; i++)
		if (fragment_touches(a->fragments[i], b))
			return true;
	return fragment_touches(a->archive, b);
}

/* ENTRY is the last one so far: what it has in common with an earlier one is nobody's. */
static void check_entry(struct linear *linear, struct linear_entry *entry)
{
	bool overlaps = !take_blocks(&linear->blocks, entry->copy);

	if (overlaps)
		entry->fault = "blocks that another one has";
	for (struct linear_entry *e = linear->entries; e < entry; e++) {
		if (e->fault)
			continue;
		if (overlaps && slots_touch(e->copy, entry->copy))
			e->fault = entry->fault;
		if (e->copy->id == entry->copy->id)
			e->fault = entry->fault = "an id that another one has";
	}
}

void linear_forget(struct linear *linear)
{
	for (size_t i = 0; i < linear->nr_entries; i++)
		free(linear->entries[i].copy);
	free(linear->entries);
	linear->entries = NULL;
	linear->nr_entries = 0;
	fam_blocks_free(&linear->blocks);
}

static int begin_load(struct linear *linear)
{
	linear_forget(linear);
	linear->entries = calloc(linear->super.nr_slots, sizeof(*linear->entries));
	if (!linear->entries || fam_blocks_init(&linear->blocks, linear->super.size / LINEAR_BLOCK))
		return -ENOMEM;
	cr_assert(fam_blocks_take(&linear->blocks, (struct fam_fragment){ 0, linear->super.data_block }));
	return 0;
}

int linear_load(struct linear *linear)
{
	_cleanup_free_ uint64_t *commits = calloc(linear->super.nr_slots, sizeof(*commits));
	int r = commits ? begin_load(linear) : -ENOMEM;

	if (!r)
		read_commits(linear, commits);
	for (uint32_t n = 0; !r && n < linear->super.nr_slots; n++) {
		_cleanup_free_ struct fam_linear_slot *copy = commits[n] ? calloc(1, sizeof(*copy)) : NULL;
		const char *fault = NULL;
		struct linear_entry *entry;

		if (!commits[n])
			continue;
		r = copy ? read_slot(linear, n, copy, &fault) : -ENOMEM;
		if (r <= 0)
			continue;
		r = 0;
		entry = &linear->entries[linear->nr_entries];
		*entry = (struct linear_entry){ .slot = n, .fault = fault, .copy = take_ptr(copy) };
		if (!fault)
			check_entry(linear, entry);
		/* By some name it has to be removed. */
		if (!entry->copy->id)
			entry->copy->id = n + 1;
		linear->nr_entries++;
	}
	if (r)
		return cr_fail_errno(linear->pool.ctx, r, "Can't read the index of %s", linear->pool.path);
	for (size_t i = 0; i < linear->nr_entries; i++)
		if (linear->entries[i].fault)
			log_warn(linear->pool.ctx->log, "%s: the checkpoint in slot %u is damaged: %s",
				 linear->pool.path, linear->entries[i].slot, linear->entries[i].fault);
	return 0;
}

struct linear_entry *linear_find(struct linear *linear, uint64_t id)
{
	for (size_t i = 0; i < linear->nr_entries; i++)
		if (linear->entries[i].copy->id == id)
			return &linear->entries[i];
	return NULL;
}

void linear_note(struct linear *linear, uint32_t slot, struct fam_linear_slot *copy)
{
	size_t at = 0;

	while (at < linear->nr_entries && linear->entries[at].slot < slot)
		at++;
	memmove(&linear->entries[at + 1], &linear->entries[at], (linear->nr_entries - at) * sizeof(*linear->entries));
	linear->entries[at] = (struct linear_entry){ .slot = slot, .copy = copy };
	linear->nr_entries++;
}

void linear_drop(struct linear *linear, struct linear_entry *entry)
{
	size_t behind = linear->entries + linear->nr_entries - (entry + 1);

	if (!entry->fault) {
		fam_blocks_give(&linear->blocks, entry->copy->archive);
		for (uint32_t i = 0; i < entry->copy->nr_fragments; i++)
			fam_blocks_give(&linear->blocks, entry->copy->fragments[i]);
	}
	free(entry->copy);
	memmove(entry, entry + 1, behind * sizeof(*entry));
	linear->nr_entries--;
}

int64_t linear_free_slot(const struct linear *linear)
{
	uint32_t n = 0;

	for (size_t i = 0; i < linear->nr_entries && linear->entries[i].slot == n; i++)
		n++;
	return n < linear->super.nr_slots ? n : -ENOSPC;
}

int linear_check_lease(const struct linear *linear)
{
	return linear->lease.places ? fam_lease_check(&linear->lease) : 0;
}

struct line_store {
	const struct fam_flush *flush;
	struct fam_linear_slot *slot;
	uint64_t commit, orphan_since;
};

/* One line of the cache, which becomes durable in the order of the stores or later. */
static int store_line(void *arg)
{
	const struct line_store *s = arg;

	__atomic_store_n(&s->slot->orphan_since, s->orphan_since, __ATOMIC_RELEASE);
	__atomic_store_n(&s->slot->commit, s->commit, __ATOMIC_RELEASE);
	return fam_persist(s->flush, s->slot, offsetof(struct fam_linear_slot, zero));
}

static int store_durably(struct linear *linear, uint32_t slot, uint64_t commit, uint64_t orphan_since)
{
	struct line_store store = { &linear->flush, linear_slot(linear, slot), commit, orphan_since };
	int r = linear_check_lease(linear);

	return r ?: fam_guarded(store_line, &store);
}

int linear_switch(struct linear *linear, uint32_t slot, uint64_t commit)
{
	return store_durably(linear, slot, commit, 0);
}

int linear_mark(struct linear *linear, const struct linear_entry *entry, uint64_t orphan_since)
{
	return store_durably(linear, entry->slot, entry->copy->commit, orphan_since);
}
