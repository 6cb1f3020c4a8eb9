/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands on the medium of a directory pool; the lease's slots are every kind of pool's. All numbers are
 * little-endian, as are the processors this runs on. Documentation/design/fam-format.md tells when each is written.
 */
#ifndef CRIU_FAM_FORMAT_H
#define CRIU_FAM_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "fam/layout.h"
#include "fam/pool.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pools are little-endian");

#define FAM_VERSION  1
#define FAM_HOST_LEN 32 /* bytes of a host's name */

/* POOL/pool: written once, by init. */
struct fam_super {
	uint8_t magic[8]; /* FAM_SUPER_MAGIC */
	uint32_t version; /* FAM_VERSION */
	uint32_t flags;	  /* 0 */
	uint8_t uuid[FAM_UUID_LEN];
	uint64_t size;	  /* bytes the pool may hold; 0: grows */
	uint64_t created; /* seconds since 1970 */
	uint8_t zero[12];
	uint32_t crc; /* CRC32C of what stands before it */
};
#define FAM_SUPER_MAGIC "FAMpool"
_Static_assert(sizeof(struct fam_super) == 64 && offsetof(struct fam_super, uuid) == 16 &&
		       offsetof(struct fam_super, size) == 32 && offsetof(struct fam_super, crc) == 60,
	       "on the medium");

/* POOL/checkpoints/ID/record: written once, at the commit. */
struct fam_record {
	uint8_t magic[8];		 /* FAM_RECORD_MAGIC */
	uint32_t version;		 /* FAM_VERSION */
	uint32_t flags;			 /* FAM_KEEP */
	uint8_t pool_uuid[FAM_UUID_LEN]; /* of the pool that it is in */
	uint64_t id;
	uint64_t size;		    /* bytes of the content: the size of POOL/checkpoints/ID/pages */
	uint64_t created;	    /* seconds since 1970 */
	uint8_t host[FAM_HOST_LEN]; /* that wrote it, padded with zeroes; empty: no other one has the file system */
	uint32_t path_len;	    /* bytes behind this struct: the images directory, absolute, without a NUL */
	uint32_t crc;		    /* CRC32C of what stands before it, then of the path */
};
#define FAM_RECORD_MAGIC "FAMckpt"
_Static_assert(sizeof(struct fam_record) == 96 && offsetof(struct fam_record, id) == 32 &&
		       offsetof(struct fam_record, host) == 56 && offsetof(struct fam_record, crc) == 92,
	       "on the medium");
#define FAM_PATH_MAX 4096 /* bytes of a record's path */

/* The copy of a set's images, POOL/checkpoints/ID/images: this, then nr_files times struct fam_archive_file. */
struct fam_archive {
	uint8_t magic[8]; /* FAM_ARCHIVE_MAGIC */
	uint32_t version; /* FAM_VERSION */
	uint32_t nr_files;
	uint64_t size; /* bytes of the whole archive */
	uint32_t zero;
	uint32_t crc; /* CRC32C of what stands before it */
};
#define FAM_ARCHIVE_MAGIC "FAMimgs"
_Static_assert(sizeof(struct fam_archive) == 32 && offsetof(struct fam_archive, crc) == 28, "on the medium");

/*
 * At a multiple of 8 bytes. SIZE bytes of data follow, then zeroes up to the next multiple of 8, then the CRC32C of the
 * data in 8 bytes.
 */
struct fam_archive_file {
	char name[84]; /* without '/', ends in NUL and zeroes */
	uint32_t crc;  /* CRC32C of the name and the size */
	uint64_t size; /* bytes of data */
};
#define FAM_ARCHIVE_NAME 84
_Static_assert(sizeof(struct fam_archive_file) == 96 && offsetof(struct fam_archive_file, size) == 88, "on the medium");

/*
 * The lease of all kinds of pools (POOL/lease; fam/lease.h): FAM_LEASE_PLACES of these, each of its lines written
 * whole. Who stopped at a place has it for ever; all zero is free.
 */
struct fam_lease_line {
	uint8_t host[FAM_HOST_LEN]; /* its name, ends in zeroes unless it takes all; empty: nobody's */
	uint64_t epoch;		    /* counts up with each lease, of all hosts */
	uint64_t boot;		    /* of the kernel that wrote this line */
	uint32_t state;		    /* FAM_LEASE_* */
	uint32_t pid;		    /* whose lease it is */
	uint32_t zero;
	uint32_t crc; /* CRC32C of what stands before it */
};
#define FAM_LEASE_FREE 0
#define FAM_LEASE_WANT 1
#define FAM_LEASE_HELD 2
_Static_assert(sizeof(struct fam_lease_line) == 64 && offsetof(struct fam_lease_line, crc) == 60, "on the medium");

struct fam_lease_place {
	struct fam_lease_line line; /* written by the host whose place it is, and by who takes the lease away from it */
	uint64_t last;		    /* who came last to the place: a hash of its name */
	uint64_t zero1[7];
	uint64_t taken; /* 1: somebody was here */
	uint64_t zero2[15];
};
_Static_assert(sizeof(struct fam_lease_place) == 256 && offsetof(struct fam_lease_place, last) == 64 &&
		       offsetof(struct fam_lease_place, taken) == 128,
	       "on the medium, each in a cache line of its own");
#define FAM_LEASE_PLACES 32
#define FAM_LEASE_SIZE	 (FAM_LEASE_PLACES * sizeof(struct fam_lease_place)) /* 8 KiB */

#endif
