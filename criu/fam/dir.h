/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A directory as a pool: what the dir_*.c share. POOL/ holds
 *   pool		     the superblock
 *   checkpoints/ID/	     committed ones: pages, record, images; orphan, if it was seen to be one: changed then
 *   new/ID/		     not committed, or being removed: what is found here is freed by the next writer
 *   spare/ID		     page files of removed ones
 *   lease		     who writes, where several hosts may (fam/lease.h)
 */
#ifndef CRIU_FAM_DIR_H
#define CRIU_FAM_DIR_H

#include "fam/flush.h"
#include "fam/lease.h"
#include "fam/pool.h"

struct stat;

struct dir_pool {
	struct fam_pool pool; /* fd: POOL/ */
	int lock_fd;	      /* POOL/ opened once more: the writer's flock(2) is on it */
	int checkpoints, fresh, spare;
	bool is_tmpfs;
	struct fam_host host;	/* this one; without a name: no other one can have this file system mounted */
	struct fam_lease lease; /* with lease.places: it is ours */
	uint64_t lost;		/* bytes that spare files had where nothing was wanted, given to the file system */
};

struct dir_checkpoint {
	struct fam_checkpoint cp;
	int dirfd;		/* of its directory: in new/, or in checkpoints/ */
	size_t map_len;		/* bytes at cp.base */
	struct fam_range *used; /* new ones; owned */
	size_t nr_used;
	bool is_reused; /* pages was another checkpoint's */
	struct fam_flush how;
};

static inline struct dir_pool *dir_pool(struct fam_pool *pool)
{
	return (struct dir_pool *)pool;
}

static inline struct dir_checkpoint *dir_checkpoint(struct fam_checkpoint *cp)
{
	return (struct dir_checkpoint *)cp;
}

#define DIR_SUPER	"pool"
#define DIR_CHECKPOINTS "checkpoints"
#define DIR_NEW		"new"
#define DIR_SPARE	"spare"
#define DIR_LEASE	"lease"
#define DIR_PAGES	"pages"
#define DIR_RECORD	"record"
#define DIR_IMAGES	"images"
#define DIR_ORPHAN	"orphan"

/* dir_lease.c. Sets the host, of a file system of this TYPE. 0 or -errno (cr_fail). */
int dir_host_read(struct dir_pool *d, unsigned long type);
/* For a writer that has the host's lock; does nothing where no other host can be. 0 or -errno (cr_fail). */
int dir_lease_take(struct dir_pool *d, unsigned wait_seconds, bool force);
int dir_lease_check(const struct dir_pool *d);
void dir_lease_give(struct dir_pool *d);

/*
 * dir_space.c. A page file for a content of SIZE bytes with USED: taken from spare/ or new, renamed to NEW_DIRFD's
 * "pages", open for reading and writing, at least SIZE bytes long, with room for USED within the pool's limit. -ENOSPC
 * (cr_fail): nothing has changed.
 */
int dir_space_take(struct dir_pool *d, int new_dirfd, uint64_t size, const struct fam_range *used, size_t nr,
		   int *ret_fd, bool *ret_reused);
/* Makes room for BYTES more within the pool's limit, of spare memory where needed. 0; -ENOSPC (cr_fail). */
int dir_space_reserve(struct dir_pool *d, uint64_t bytes);
/* The page file of the directory DIRFD, if any, becomes spare/ID. 0 or -errno (cr_fail). */
int dir_space_give(struct dir_pool *d, int dirfd, uint64_t id);
/* Spare files of SIZE bytes in all, allocated and touched. 0; -ENOSPC (cr_fail). */
int dir_space_fill(struct dir_pool *d, uint64_t size);
/* A pool with a limit keeps the memory that it was given: gets back what this writer lost, within the limit. */
void dir_space_refill(struct dir_pool *d);
int dir_usage(struct fam_pool *pool, struct fam_usage *ret);
int dir_trim(struct fam_pool *pool, uint64_t keep);

/* dir_list.c. The ids in the directory DIRFD of POOL/, ascending; other names are left out. Free *RET. 0 or -errno. */
int dir_ids(struct dir_pool *d, int dirfd, uint64_t **ret, size_t *ret_nr);
/* All of *RET but allocated. -ENOENT: there is none; -EPROTO... (cr_fail). Free RET->images_dir. */
int dir_record_read(struct dir_pool *d, uint64_t id, int cp_dirfd, struct fam_info *ret);
int dir_list(struct fam_pool *pool, struct fam_info **ret, size_t *ret_nr);
/* Takes new/ID apart: its pages become spare, all else goes. 0 or -errno (cr_fail). */
int dir_dissolve(struct dir_pool *d, uint64_t id);
/* A writer came: frees what a killed one left. 0 or -errno (cr_fail). */
int dir_recover(struct dir_pool *d);

/* dir_checkpoint.c, dir_commit.c: as in fam/pool_ops.h. */
int dir_create(struct fam_pool *pool, uint64_t size, const struct fam_range *used, size_t nr,
	       struct fam_checkpoint **ret);
/* Allocates and touches all of the new file FD; INSIST: on large pages, however long they take. 0 or -errno. */
int dir_preallocate(struct dir_pool *d, int fd, uint64_t size, bool insist);
int dir_flush(struct fam_checkpoint *cp);
int dir_commit(struct fam_checkpoint *cp, const struct fam_commit *args);
int dir_note_orphan(struct fam_pool *pool, uint64_t id, uint64_t since);
void dir_close_checkpoint(struct fam_checkpoint *cp);
int dir_open_checkpoint(struct fam_pool *pool, uint64_t id, struct fam_checkpoint **ret);
int dir_remove(struct fam_pool *pool, uint64_t id);
int dir_images(struct fam_checkpoint *cp, int (*each)(void *arg, const char *name, const void *data, size_t len),
	       void *arg);

#endif
