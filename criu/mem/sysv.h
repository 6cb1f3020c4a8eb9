/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System V shared memory that tasks have attached: ipcns-shm-N.img, and content as that of other shared memory.
 * shmget(2), shmop(2), shmctl(2).
 *
 * Segments belong to the IPC namespace, which others use as well. A segment that is gone at restore is made again
 * with its key, id, owner, mode and content. One that is still there and that nobody has attached is made what it was.
 * One that others have attached stays as it is: its content is theirs, too.
 */
#ifndef CRIU_MEM_SYSV_H
#define CRIU_MEM_SYSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "mm.pb-c.h"

struct fam_set;	     /* fam/set.h */
struct shmem_dump;   /* mem/shmem.h */
struct sysv_restore; /* of one restore */

/* Writes ipcns-shm-<NS_ID>.img with the System V segments that SHM has, if it has any. 0 or -errno. */
int sysv_dump(struct cr_ctx *ctx, int images_dirfd, uint32_t ns_id, const struct shmem_dump *shm);

/*
 * In the engine, before any process is created: reads and checks the segments that areas of MMS are pieces of; their
 * pages are FAM's, or in files (NULL). *RET goes with sysv_restore_free(). 0 or -errno.
 */
int sysv_restore_read(struct cr_ctx *ctx, int images_dirfd, struct fam_set *fam, uint32_t ns_id, MmEntry *const *mms,
		      size_t nr, struct sysv_restore **ret);
/*
 * Then: finds each segment or makes it, and keeps it attached. If this process is killed, what it made is removed again
 * unless *COMMITTED is set, which has to outlive it. 0 or -errno.
 */
int sysv_restore_make(struct sysv_restore *sysv, const uint32_t *committed);
/* --no-readahead. */
void sysv_restore_no_readahead(struct sysv_restore *sysv);
/* The segment ID as shmat(2) wants it, and its size in bytes of whole pages. -ENOENT if there is none. */
int sysv_restore_get(const struct sysv_restore *sysv, uint64_t id, int32_t *ret_id, uint64_t *ret_size);
/* When every task has attached what it needs: content, SHM_LOCK, IPC_RMID; lets go of the segments. 0 or -errno. */
int sysv_restore_settle(struct sysv_restore *sysv);
/* The restore has succeeded: what was made stays. */
void sysv_restore_keep(struct sysv_restore *sysv);
/* Removes what was made unless it is kept. NULL is fine. */
void sysv_restore_free(struct sysv_restore **sysv);

#endif
