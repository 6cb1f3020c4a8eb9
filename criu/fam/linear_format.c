/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/linear_format.h"

#include <string.h>

#include "fam/crc32c.h"

#define MIN_SLOTS 32u
#define MAX_SLOTS 4096u

uint64_t fam_linear_commit_word(const struct fam_linear_slot *slot)
{
	return (uint64_t)fam_crc32c(0, &slot->id, sizeof(*slot) - offsetof(struct fam_linear_slot, id)) << 32 |
	       LINEAR_COMMITTED;
}

int fam_linear_layout(uint64_t size, struct fam_linear_super *super)
{
	uint64_t nr_blocks = size / LINEAR_BLOCK, slots = nr_blocks / 4, head;

	if (size % LINEAR_BLOCK || nr_blocks < LINEAR_MIN_BLOCKS || nr_blocks > UINT32_MAX)
		return -EINVAL;
	if (slots < MIN_SLOTS)
		slots = MIN_SLOTS;
	if (slots > MAX_SLOTS)
		slots = MAX_SLOTS;
	head = (LINEAR_SLOTS + slots * sizeof(struct fam_linear_slot) + LINEAR_BLOCK - 1) / LINEAR_BLOCK;
	*super = (struct fam_linear_super){
		.magic = LINEAR_MAGIC,
		.version = LINEAR_VERSION,
		.size = size,
		.nr_slots = (head * LINEAR_BLOCK - LINEAR_SLOTS) / sizeof(struct fam_linear_slot),
		.data_block = head,
	};
	return 0;
}

static uint32_t super_crc(const struct fam_linear_super *super)
{
	return fam_crc32c(0, super, offsetof(struct fam_linear_super, crc));
}

void fam_linear_seal(struct fam_linear_super *super)
{
	super->crc = super_crc(super);
}

const char *fam_linear_super_fault(const struct fam_linear_super *super, uint64_t medium)
{
	uint64_t nr_blocks = super->size / LINEAR_BLOCK;

	if (super->crc != super_crc(super))
		return "its superblock has a wrong checksum";
	if (super->flags || super->zero)
		return "its superblock has flags that aren't known";
	if (super->size % LINEAR_BLOCK || nr_blocks < LINEAR_MIN_BLOCKS || nr_blocks > UINT32_MAX)
		return "its superblock has a size that can't be";
	if (super->size > medium)
		return "it is larger than what it is on";
	if (!super->nr_slots || super->data_block >= nr_blocks ||
	    LINEAR_SLOTS + (uint64_t)super->nr_slots * sizeof(struct fam_linear_slot) >
		    (uint64_t)super->data_block * LINEAR_BLOCK)
		return "its superblock has an index that doesn't fit";
	return NULL;
}

static bool is_zero(const void *p, size_t len)
{
	const char *c = p;

	return !len || (!*c && !memcmp(c, c + 1, len - 1));
}

static bool is_data(const struct fam_linear_super *super, struct fam_fragment f)
{
	uint64_t nr_blocks = super->size / LINEAR_BLOCK;

	return f.nr && f.first >= super->data_block && f.first < nr_blocks && f.nr <= nr_blocks - f.first;
}

const char *fam_linear_slot_fault(const struct fam_linear_super *super, const struct fam_linear_slot *slot)
{
	uint64_t nr = 0;

	if (slot->commit != fam_linear_commit_word(slot))
		return "a wrong checksum";
	if (!slot->id || (slot->flags & ~FAM_KEEP) || slot->zero2 || !is_zero(slot->zero3, sizeof(slot->zero3)))
		return "values that aren't known";
	if (!slot->path_len || slot->path_len >= LINEAR_PATH_MAX || slot->path[0] != '/' ||
	    memchr(slot->path, 0, slot->path_len) ||
	    !is_zero(slot->path + slot->path_len, LINEAR_PATH_MAX - slot->path_len))
		return "a wrong path";
	if (slot->nr_fragments > LINEAR_FRAGMENTS)
		return "a wrong number of fragments";
	for (uint32_t i = 0; i < slot->nr_fragments; i++) {
		if (!is_data(super, slot->fragments[i]))
			return "a fragment outside the pool";
		nr += slot->fragments[i].nr;
	}
	if (slot->size % LINEAR_BLOCK || slot->size / LINEAR_BLOCK != nr)
		return "another size than its fragments";
	if (!is_data(super, slot->archive))
		return "a copy of the images outside the pool";
	if (!slot->archive_len || slot->archive_len > slot->archive.nr * LINEAR_BLOCK)
		return "a wrong length of the copy of the images";
	return NULL;
}
