/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared anonymous memory, and the content of memfds: a segment is stored once, whichever tasks map it, as
 * pagemap-shmem-SHMID.img and its pages, and is brought back once, before the tasks are forked that map it.
 */
#ifndef CRIU_MEM_SHMEM_H
#define CRIU_MEM_SHMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "mem/store.h"
#include "mem/vma.h"
#include "mm.pb-c.h"

/* ---- dump ---- */
struct shmem_dump;

/* Nothing yet. *RET goes with shmem_dump_end(). -ENOMEM. */
int shmem_dump_begin(struct cr_ctx *ctx, struct shmem_dump **ret);
/*
 * Notes the segments of one task's areas, those of System V first for all tasks, since their ids can't be chosen. Sets
 * vma->shmid, under which each is stored. Keeps descriptors of its own. Writes nothing. 0 or -errno.
 */
int shmem_dump_add_sysv(struct shmem_dump *shm, struct vma_list *vmas);
int shmem_dump_add(struct shmem_dump *shm, struct vma_list *vmas);
/* The next System V segment from *AT (0 at first) on, with its file, borrowed; false if there is none. */
bool shmem_dump_next_sysv(const struct shmem_dump *shm, size_t *at, int *ret_id, int *ret_fd);
/* The same for a file of memory, a memfd, that FD (readable, borrowed) is. *RET_SHMID fits into 32 bits. */
int shmem_dump_add_file(struct shmem_dump *shm, int fd, uint64_t *ret_shmid);

/* Appends every segment, with the pages that hold anything, while no task runs. 0 or -errno. */
int shmem_dump_scan(struct shmem_dump *shm, struct store_list *list);
void shmem_dump_end(struct shmem_dump **shm);

/* ---- restore ---- */
struct fam_set; /* fam/set.h */
struct shmem_restore;

/*
 * In the engine, before any process is created: which segments the areas of MMS need and how large they are;
 * reads and checks their pagemaps and opens their pages (FAM: segment_pages_read()). Sets that describe shared
 * anonymous memory as a memfd of the name "/dev/zero" (CRIU 4.2 does so on recent kernels) are understood: such areas
 * in MMS are changed to VMA_ANON_SHARED with the segment's shmid. *RET goes with shmem_restore_free().
 */
int shmem_restore_read(struct cr_ctx *ctx, int images_dirfd, struct fam_set *fam, MmEntry *const *mms, size_t nr,
		       struct shmem_restore **ret);
/* --no-readahead. */
void shmem_restore_no_readahead(struct shmem_restore *shm);
/*
 * In the root task, before it forks: makes every segment, with its content, as a descriptor numbered FIRST_FD or
 * above (close-on-exec, read and write). Needs what opening /proc/PID/map_files needs. 0 or -errno.
 */
int shmem_restore_create(struct shmem_restore *shm, int first_fd);
/* The descriptor of SHMID, to be mapped MAP_SHARED at the area's pgoff; it stays SHM's. -ENOENT if there is none. */
int shmem_restore_get(const struct shmem_restore *shm, uint64_t shmid, int *ret_fd);
/* How many segments there are, and the descriptor of the Nth after shmem_restore_create(). */
size_t shmem_restore_count(const struct shmem_restore *shm);
int shmem_restore_fd(const struct shmem_restore *shm, size_t n);
/* Closes descriptors and sources of this process. NULL is fine. */
void shmem_restore_free(struct shmem_restore **shm);

#endif
