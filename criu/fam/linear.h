/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linear pools: one mapped range of bytes, a device-DAX device or the file LINEAR_FILE in a directory on hugetlbfs.
 * This is what their parts share; all others go by fam/pool.h.
 */
#ifndef CRIU_FAM_LINEAR_H
#define CRIU_FAM_LINEAR_H

#include "fam/blocks.h"
#include "fam/flush.h"
#include "fam/lease.h"
#include "fam/linear_format.h"
#include "fam/pool_ops.h"

#define LINEAR_FILE "pool"

/* What bytes a pool stands on. */
struct linear_medium {
	int fd;	       /* owned by who opened it */
	uint64_t size; /* bytes, whole blocks */
	bool is_dax;   /* device-DAX: mapping only */
};

struct linear_entry {
	uint32_t slot;		      /* its number */
	const char *fault;	      /* NULL, or why it can't be used: the slot isn't looked at further */
	struct fam_linear_slot *copy; /* owned: what was checked doesn't change */
};

struct linear {
	struct fam_pool pool; /* .fd is the medium's */
	struct linear_medium medium;
	struct fam_linear_super super;
	char *head; /* all blocks before data_block; writable with FAM_WRITE */
	struct fam_flush flush;
	struct fam_host host;	/* this one; without a name: no other one has the medium */
	struct fam_lease lease; /* .places is NULL while it isn't ours */
	struct fam_blocks blocks;
	struct linear_entry *entries; /* one per used slot, ascending; owned */
	size_t nr_entries;
	unsigned nr_new; /* checkpoints that aren't committed */
};

struct linear_checkpoint {
	struct fam_checkpoint cp;
	struct fam_fragment fragments[LINEAR_FRAGMENTS];
	size_t nr_fragments;
	struct fam_fragment archive;
	uint64_t archive_len;
	struct fam_range *used; /* new ones; owned */
	size_t nr_used;
};

/* The character device is device-DAX: its subsystem's name is "dax". It isn't opened: others may do who knows what
 * then. */
bool linear_is_dax(dev_t dev);
/*
 * The device PATH, or the file in the directory PATH, if it is root's alone (fam/secure.h). The descriptor, or -errno:
 * all but -ENOENT, there is no such file, explained.
 */
int linear_medium_open(struct cr_ctx *ctx, const char *path, int flags);
/*
 * Looks at what FD is: all of RET. -EOPNOTSUPP: no such medium, or one that can't be mapped in blocks (cr_fail).
 */
int linear_medium_probe(struct cr_ctx *ctx, int fd, const char *path, struct linear_medium *ret);
/*
 * Maps FRAGMENTS of MEDIUM one behind the other at an address that is a multiple of a block; ends with munmap(2) of
 * all. 0 or -errno (cr_fail).
 */
int linear_map(struct cr_ctx *ctx, const struct linear_medium *medium, const struct fam_fragment *fragments, size_t nr,
	       bool writable, char **ret);
uint64_t linear_bytes(const struct fam_fragment *fragments, size_t nr);
/*
 * Copies LEN bytes of mapped memory to DST, after what other hosts stored is visible. -EIO: the medium has a bad place
 * there, or has become shorter; no signal comes.
 */
int linear_peek(void *dst, const void *src, size_t len);

/* Reads the superblock from HEAD, mapped. 0; -EPROTO, -EPROTONOSUPPORT, -EIO (cr_fail). */
int linear_super_read(struct cr_ctx *ctx, const char *path, const struct linear_medium *medium, const char *head,
		      struct fam_linear_super *ret);
/* Reads what is committed, in place of what was read before. 0 or -errno; faults of slots are logged as warnings. */
int linear_load(struct linear *linear);
void linear_forget(struct linear *linear);
struct linear_entry *linear_find(struct linear *linear, uint64_t id);
/* SLOT is committed as COPY (taken over) or was given up; neither changes the medium. */
void linear_note(struct linear *linear, uint32_t slot, struct fam_linear_slot *copy);
void linear_drop(struct linear *linear, struct linear_entry *entry);
/* What its images directory says, if this is the host whose directories those are. */
enum fam_state linear_state(const struct linear *linear, const struct fam_linear_slot *slot);
/* A slot that no checkpoint has: its number, or -ENOSPC. */
int64_t linear_free_slot(const struct linear *linear);
struct fam_linear_slot *linear_slot(const struct linear *linear, uint32_t slot);
/* Nobody has taken the lease away from us: 0 or -EBUSY (cr_fail). */
int linear_check_lease(const struct linear *linear);
/* Switches a slot's commit word, durably, if the lease is ours. 0 or -errno. */
int linear_switch(struct linear *linear, uint32_t slot, uint64_t commit);
/* The same with the mark beside it, which switching takes away. */
int linear_mark(struct linear *linear, const struct linear_entry *entry, uint64_t orphan_since);

/* Of a LINEAR whose medium and superblock are known. 0 or -errno (cr_fail). */
int linear_map_head(struct linear *linear, bool writable);
int linear_choose_flush(struct linear *linear, const struct fam_flush_observer *observer);
/*
 * A pool on the medium FD, which becomes the pool's if it is opened: what the table's open() does behind finding the
 * medium. OBSERVER (NULL; borrowed) sees every flush and fence.
 */
int linear_open_fd(const struct fam_open_args *args, int fd, const struct fam_flush_observer *observer,
		   struct fam_pool **ret);
int linear_init(const struct fam_init_args *args);
/* Makes a pool of what FD is; ARGS->size bytes, 0: all. OBSERVER as above. */
int linear_init_fd(const struct fam_init_args *args, int fd, const struct fam_flush_observer *observer);

int linear_create(struct fam_pool *pool, uint64_t size, const struct fam_range *used, size_t nr,
		  struct fam_checkpoint **ret);
int linear_flush(struct fam_checkpoint *cp);
int linear_commit(struct fam_checkpoint *cp, const struct fam_commit *args);
void linear_close_checkpoint(struct fam_checkpoint *cp);
int linear_open_checkpoint(struct fam_pool *pool, uint64_t id, struct fam_checkpoint **ret);
int linear_remove(struct fam_pool *pool, uint64_t id);
int linear_note_orphan(struct fam_pool *pool, uint64_t id, uint64_t since);
int linear_images(struct fam_checkpoint *cp, int (*each)(void *arg, const char *name, const void *data, size_t len),
		  void *arg);

/*
 * The slot is being read, on this host, as long as the descriptor that is returned is open in any process: nobody
 * removes it. -EBUSY: somebody does just now.
 */
int linear_lock_slot(const struct linear *linear, uint32_t slot);
/* Nobody reads it, and nobody begins to until linear_unclaim_slot(). 0 or -EBUSY. */
int linear_claim_slot(const struct linear *linear, uint32_t slot);
void linear_unclaim_slot(const struct linear *linear, uint32_t slot);
/* A process that reads it, by its /proc/PID/fdinfo; 0: can't be told. */
pid_t linear_slot_reader(const struct linear *linear, uint32_t slot);

#endif
