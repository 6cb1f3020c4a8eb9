/* SPDX-License-Identifier: GPL-2.0 */
/* The areas of a task's memory, as images describe them. */
#ifndef CRIU_MEM_VMA_H
#define CRIU_MEM_VMA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* The bits of vma.status and vma_entry.status: the image format's. */
#define VMA_AREA_NONE	  (0u)
#define VMA_AREA_REGULAR  (1u << 0)
#define VMA_AREA_STACK	  (1u << 1)
#define VMA_AREA_VSYSCALL (1u << 2)
#define VMA_AREA_VDSO	  (1u << 3)
#define VMA_AREA_HEAP	  (1u << 5)
#define VMA_FILE_PRIVATE  (1u << 6)
#define VMA_FILE_SHARED	  (1u << 7)
#define VMA_ANON_SHARED	  (1u << 8)
#define VMA_ANON_PRIVATE  (1u << 9)
#define VMA_AREA_SYSVIPC  (1u << 10)
#define VMA_AREA_SOCKET	  (1u << 11)
#define VMA_AREA_VVAR	  (1u << 12)
#define VMA_AREA_AIORING  (1u << 13)
#define VMA_AREA_MEMFD	  (1u << 14)
#define VMA_AREA_SHSTK	  (1u << 15)
#define VMA_AREA_GUARD	  (1u << 16)
#define VMA_AREA_UPROBES  (1u << 17)

struct vma {
	uint64_t start, end; /* bytes, of whole pages */
	uint64_t pgoff;	     /* bytes; 0 for private anonymous memory */
	uint32_t prot;	     /* PROT_* */
	uint32_t flags;	     /* MAP_* */
	uint32_t status;     /* VMA_* above */
	uint64_t madv;	     /* bit N: madvise(2) with advice N */
	uint32_t extra;	     /* MM_EXTRA_*: what images of CRIU have no field for, mem/extra.h */
	uint64_t shmid;	     /* of VMA_ANON_SHARED: names pagemap-shmem-SHMID.img */
	uint64_t nr_own;     /* at most so many pages are the task's own, in RAM or swapped out */
	dev_t dev;
	ino_t ino;
	char *name;	     /* of VMA_FILE_*: the path as the kernel shows it, without " (deleted)"; else NULL */
	int file_fd;	     /* of VMA_FILE_* and VMA_ANON_SHARED: see vma_collect(); else -1 */
	uint32_t file_flags; /* of the open file that is mapped: O_RDONLY, O_WRONLY or O_RDWR */
	uint32_t file_id;    /* of VMA_FILE_*: mm_dump() sets it */
	uint32_t ring_tail;  /* of VMA_AREA_AIORING: dump_check_rings() sets it */
};

struct vma_list {
	struct vma *v; /* ascending, not overlapping */
	size_t nr;
	int *fds; /* owns what the file_fd are */
	size_t nr_fds;
};

/* Private memory whose pages may be the task's own, and so stand in pagemap-PID.img. */
static inline int vma_is_private(const struct vma *v)
{
	return (v->status & VMA_AREA_REGULAR) && (v->status & (VMA_ANON_PRIVATE | VMA_FILE_PRIVATE)) &&
	       !(v->status & (VMA_AREA_VDSO | VMA_AREA_VVAR | VMA_AREA_UPROBES));
}

/*
 * Classifies every area of the task PID, whose /proc/PID is PROCFD; the task does not run. A kind that isn't
 * supported fails with -EOPNOTSUPP and a message that names task, area and kind. Nothing is changed.
 *
 * Each distinct (device, inode, access) of file and shared anonymous areas has one descriptor, opened through
 * /proc/PID/map_files, that its areas share as file_fd and the list owns: O_PATH for files, readable for shared
 * anonymous memory. Needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE (proc_pid_map_files(5)).
 * vma_list_free() ends all; after an error there is nothing to free.
 */
int vma_collect(struct cr_ctx *ctx, pid_t pid, int procfd, struct vma_list *ret);
void vma_list_free(struct vma_list *list);
#define _cleanup_vma_list_ __cleanup(vma_list_free)

/*
 * NR areas of task PID, as /proc/PID/maps counts them, leave room for what a restore has to map besides, by
 * vm.max_map_count of this machine: 0 or -E2BIG.
 */
int vma_check_count(struct cr_ctx *ctx, pid_t pid, size_t nr);

/* The area that holds ADDR, or NULL. */
const struct vma *vma_find(const struct vma_list *list, uint64_t addr);

#endif
