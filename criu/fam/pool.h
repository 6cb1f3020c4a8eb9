/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools: checkpoints' pages in byte-addressable memory. What stands on the medium, what is durable when, and how a pool
 * recovers: Documentation/design/fam-format.md. A pool is asked what it can do (FAM_CAP_*), never what it is.
 *
 * A checkpoint's content is a range of bytes from 0 to its size, in which extents keep the shape of areas
 * (fam/layout.h). Whatever the medium, it is mapped in one piece.
 */
#ifndef CRIU_FAM_POOL_H
#define CRIU_FAM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define FAM_UUID_LEN 16
#define FAM_ID_TEXT  17 /* a checkpoint's id: 16 hexadecimal digits and the end */

#define FAM_CAP_FILE  (1u << 0) /* content is a file: fd can be given to pread(2) and to mmap(2), private too */
#define FAM_CAP_HOLES (1u << 1) /* what isn't stored takes no room: extents may lie far apart */
#define FAM_CAP_PMEM  (1u << 2) /* durable once flushed: survives a power cut */
#define FAM_CAP_UFFD  (1u << 3) /* memory that userfaultfd takes (tmpfs) */

enum fam_access {
	FAM_READ,  /* many at a time; nothing on the medium changes */
	FAM_WRITE, /* one at a time: waits for the lease, recovers what a killed writer left */
};

enum fam_state {
	FAM_COMMITTED,
	FAM_INCOMPLETE, /* its images directory has FAM_INVENTORY_NEW alone: gone at the next FAM_WRITE */
	FAM_ORPHAN,	/* its images directory is gone, or holds no set of it by now */
	FAM_DAMAGED,	/* its record can't be read: of the info only id and allocated are set; it can be removed */
};

struct fam_pool_ops; /* fam/pool_ops.h */

struct fam_pool {
	const struct fam_pool_ops *ops;
	struct cr_ctx *ctx; /* borrowed */
	char *path;	    /* absolute */
	int fd;		    /* of the directory, or the device */
	uint8_t uuid[FAM_UUID_LEN];
	uint64_t size; /* bytes it may hold; 0: grows with its file system */
	unsigned caps; /* FAM_CAP_* */
	enum fam_access access;
};

struct fam_open_args {
	struct cr_ctx *ctx;
	const char *path;
	enum fam_access access;
	bool create;	       /* FAM_WRITE: an empty directory becomes a growing pool */
	bool force;	       /* FAM_WRITE: take the lease of another host's writer, who is dead */
	unsigned wait_seconds; /* FAM_WRITE: for a writer on this host; then -EBUSY */
};

/*
 * 0; -ENOENT no such pool; -EPERM not root's or open to others; -EPROTO no pool, or damaged; -EPROTONOSUPPORT another
 * version; -EROFS; -EBUSY another writer, by name. All explained by cr_fail. End with fam_pool_close(), which gives the
 * lease back.
 */
int fam_pool_open(const struct fam_open_args *args, struct fam_pool **ret);
void fam_pool_close(struct fam_pool **pool);

struct fam_init_args {
	struct cr_ctx *ctx;
	const char *path; /* an empty directory (made if its parent is there) or a device-DAX character device */
	uint64_t size;	  /* bytes, allocated and touched now; 0: grows (directory), all (device) */
	bool force;	  /* overwrite what a device holds */
};
/* Makes a pool. 0; -EEXIST it is one, or holds something; -ENOSPC; -EINVAL; explained by cr_fail. */
int fam_pool_init(const struct fam_init_args *args);

/* Bytes of content from OFFSET on that get memory of their own. */
struct fam_range {
	uint64_t offset, len;
};

/* One checkpoint: new and writable, or committed and read-only. */
struct fam_checkpoint {
	struct fam_pool *pool;
	uint64_t id;   /* random, never 0 */
	uint64_t size; /* bytes of the content, a multiple of 2 MiB */
	char *base;    /* the content, mapped shared: to write while it is new, else to read only */
	int fd;	       /* FAM_CAP_FILE: open for that; else -1. Borrow it */
	int hold_fd;   /* of a committed one: while anybody has this open nobody can remove it; else -1. Borrow it */
	bool is_tmpfs; /* a read fault of base maps several pages at once, writable ones */
	bool is_pmem;  /* base is persistent memory: flushed by cache lines */
	bool committed;
};

/*
 * A new one with SIZE bytes, of which USED (NR of them, ascending, not touching each other, multiples of the page size)
 * will be written; what lies between is zero or a hole. Memory of removed checkpoints is used first. -ENOSPC when the
 * pool is full: nothing has changed then. Until the commit nobody sees it, and the next writer frees it if we are
 * killed.
 */
int fam_checkpoint_create(struct fam_pool *pool, uint64_t size, const struct fam_range *used, size_t nr,
			  struct fam_checkpoint **ret);
/* Everything in USED was written: zeroes or drops all else that an earlier owner left, makes it durable. 0 or -errno.
 */
int fam_checkpoint_flush(struct fam_checkpoint *cp);

#define FAM_KEEP (1u << 0) /* `criu fam gc` never takes it for an orphan */

struct fam_commit {
	int images_dirfd;	/* complete and durable, but for the inventory, which is there as FAM_INVENTORY_NEW */
	const char *images_dir; /* absolute */
	unsigned flags;		/* FAM_KEEP */
};
#define FAM_INVENTORY_NEW "inventory.img.new"

/*
 * After the flush: stores a copy of the images (*.img; FAM_INVENTORY_NEW under its final name) and makes the checkpoint
 * visible, durably, in one step. The caller then renames the inventory. 0 or -errno: it is as before.
 */
int fam_checkpoint_commit(struct fam_checkpoint *cp, const struct fam_commit *args);
/* Of a new one: gives everything back. Of a committed one: only unmaps and closes. NULL is fine. */
void fam_checkpoint_close(struct fam_checkpoint **cp);
/*
 * A committed one, to read; it can't be removed meanwhile (on this host). 0; -ENOENT there is none, or an incomplete
 * one; -EPROTO damaged; explained by cr_fail.
 */
int fam_checkpoint_open(struct fam_pool *pool, uint64_t id, struct fam_checkpoint **ret);
/*
 * FAM_WRITE: that it was an orphan at SINCE (seconds since 1970) already, for the time of grace; 0: that it isn't one
 * any more. 0 or -errno.
 */
int fam_checkpoint_note_orphan(struct fam_pool *pool, uint64_t id, uint64_t since);
/* Forgets a committed one; its memory stays in the pool. FAM_WRITE. -ENOENT; -EBUSY: somebody reads it, by pid. */
int fam_checkpoint_remove(struct fam_pool *pool, uint64_t id);

struct fam_info {
	uint64_t id;
	enum fam_state state;
	unsigned flags;	       /* FAM_KEEP */
	uint64_t size;	       /* bytes of content */
	uint64_t allocated;    /* bytes of the pool that it takes, with the copy of its images */
	uint64_t orphan_since; /* seconds since 1970, as noted: fam_checkpoint_note_orphan(); 0: it isn't */
	uint64_t created;      /* seconds since 1970 */
	char *images_dir;      /* owned */
};
struct fam_usage {
	uint64_t size;	/* bytes the pool may hold; of a growing one what its file system has left, too */
	uint64_t used;	/* by checkpoints */
	uint64_t spare; /* of removed ones, ready for the next */
};
/* All checkpoints, the oldest first, incomplete ones too. Free with fam_list_free(). 0 or -errno. */
int fam_pool_list(struct fam_pool *pool, struct fam_info **ret, size_t *ret_nr);
void fam_list_free(struct fam_info *list, size_t nr);
int fam_pool_usage(struct fam_pool *pool, struct fam_usage *ret);
/* FAM_WRITE: gives spare memory back until KEEP bytes of it are left. 0 or -errno. */
int fam_pool_trim(struct fam_pool *pool, uint64_t keep);

/*
 * The copy of the images that was made at the commit: calls EACH for every file until one returns not 0, which is
 * returned. DATA is valid during the call. 0 or -errno; -EPROTO: damaged (cr_fail).
 */
int fam_checkpoint_images(struct fam_checkpoint *cp,
			  int (*each)(void *arg, const char *name, const void *data, size_t len), void *arg);

/* "0123456789abcdef". */
void fam_id_print(uint64_t id, char text[FAM_ID_TEXT]);
/* 0 or -EINVAL. */
int fam_id_parse(const char *text, uint64_t *ret);

#endif
