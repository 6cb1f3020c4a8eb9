/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands on the medium of a linear pool: one range of bytes, a device-DAX device or a file on hugetlbfs. Numbers
 * are little-endian. Documentation/design/fam-format.md tells when each is written.
 *
 *   0	     struct fam_linear_super, and once more at LINEAR_SUPER_COPY
 *   8 KiB   the lease's slots
 *   16 KiB  nr_slots times struct fam_linear_slot
 *   block data_block and on: content and copies of images
 */
#ifndef CRIU_FAM_LINEAR_FORMAT_H
#define CRIU_FAM_LINEAR_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "fam/blocks.h"
#include "fam/format.h"

#define LINEAR_VERSION	  1
#define LINEAR_BLOCK	  (2ul << 20) /* bytes; what device-DAX maps at least */
#define LINEAR_SUPER_COPY 4096ul
#define LINEAR_LEASES	  8192ul
#define LINEAR_SLOTS	  16384ul
#define LINEAR_MIN_BLOCKS 3u /* the head, one of content, one for the copy of the images */

/* Written by init only. */
struct fam_linear_super {
	uint8_t magic[8]; /* LINEAR_MAGIC */
	uint32_t version; /* LINEAR_VERSION */
	uint32_t flags;	  /* 0 */
	uint8_t uuid[FAM_UUID_LEN];
	uint64_t size;	     /* bytes of the pool, the head too: a multiple of LINEAR_BLOCK */
	uint64_t created;    /* seconds since 1970 */
	uint32_t nr_slots;   /* they end before data_block */
	uint32_t data_block; /* the first of data: its number */
	uint32_t zero;
	uint32_t crc; /* CRC32C of what stands before it */
};
#define LINEAR_MAGIC "FAMline"
_Static_assert(sizeof(struct fam_linear_super) == 64 && offsetof(struct fam_linear_super, size) == 32 &&
		       offsetof(struct fam_linear_super, nr_slots) == 48 &&
		       offsetof(struct fam_linear_super, crc) == 60,
	       "on the medium");

#define LINEAR_FRAGMENTS 488u
#define LINEAR_HOST_LEN	 32u
#define LINEAR_PATH_MAX	 4096u

/*
 * A checkpoint. It is there when COMMIT, alone in its cache line, isn't 0: one aligned store switches it, after all
 * that it refers to is durable. Free blocks are those that no such slot refers to; nothing else tells of them.
 */
struct fam_linear_slot {
	uint64_t commit;       /* 0, or LINEAR_COMMITTED and, in the upper half, the CRC32C of what stands from ID on */
	uint64_t orphan_since; /* seconds since 1970: it was seen to be an orphan then; 0: it wasn't */
	uint8_t zero[48];
	uint64_t id;
	uint64_t size;	      /* bytes of content: all blocks of FRAGMENTS */
	uint64_t created;     /* seconds since 1970 */
	uint64_t archive_len; /* bytes of the copy of the images */
	uint32_t flags;	      /* FAM_KEEP */
	uint32_t nr_fragments;
	struct fam_fragment archive;
	uint32_t path_len;
	uint32_t zero2;
	uint8_t host[LINEAR_HOST_LEN]; /* that wrote it, as in struct fam_lease_line; empty: the only one */
	uint8_t zero3[40];
	char path[LINEAR_PATH_MAX];			 /* the images directory, absolute; ends in NUL and zeroes */
	struct fam_fragment fragments[LINEAR_FRAGMENTS]; /* in the order of the content */
};
#define LINEAR_COMMITTED 0x746d6f63u /* "comt" */
_Static_assert(sizeof(struct fam_fragment) == 8 && sizeof(struct fam_linear_slot) == 8192 &&
		       offsetof(struct fam_linear_slot, id) == 64 && offsetof(struct fam_linear_slot, flags) == 96 &&
		       offsetof(struct fam_linear_slot, host) == 120 && offsetof(struct fam_linear_slot, path) == 192 &&
		       offsetof(struct fam_linear_slot, fragments) == 4288,
	       "on the medium");

_Static_assert(LINEAR_LEASES + FAM_LEASE_SIZE <= LINEAR_SLOTS &&
		       sizeof(((struct fam_lease_line *)0)->host) == LINEAR_HOST_LEN,
	       "on the medium");

/* The commit word of SLOT once it is committed. */
uint64_t fam_linear_commit_word(const struct fam_linear_slot *slot);

/* Sets all of SUPER for a pool of SIZE bytes but uuid, created and crc. -EINVAL: too small, or no multiple of a block.
 */
int fam_linear_layout(uint64_t size, struct fam_linear_super *super);
void fam_linear_seal(struct fam_linear_super *super);
/* NULL, or what is wrong with what was read; MEDIUM is the bytes that there are. */
const char *fam_linear_super_fault(const struct fam_linear_super *super, uint64_t medium);
const char *fam_linear_slot_fault(const struct fam_linear_super *super, const struct fam_linear_slot *slot);

#endif
