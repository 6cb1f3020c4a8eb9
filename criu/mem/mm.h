/* SPDX-License-Identifier: GPL-2.0 */
/* mm-PID.img: a task's areas and the bounds of its memory. */
#ifndef CRIU_MEM_MM_H
#define CRIU_MEM_MM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "mem/vma.h"
#include "mm.pb-c.h"
#include "pages/run.h"

/*
 * The number of requests for which io_setup(2) makes a ring of LEN bytes: it doubles it, adds two, and needs 32 bytes
 * for each and for the head.
 */
#define AIO_RING_REQUESTS(len) ((len) / 64 - 2)

struct mm_dump_args {
	int images_dirfd;
	pid_t pid;			    /* as the image is named */
	int procfd;			    /* of /proc/PID */
	struct vma_list *vmas;		    /* of vma_collect(); file_id is set in them */
	const struct page_run_list *guards; /* of scan_task() */
	uint64_t brk;			    /* the current break, as brk(2) of 0 returns it inside the task */
	uint32_t exe_file_id;
	int dumpable;	   /* prctl(PR_GET_DUMPABLE) */
	bool thp_disabled; /* prctl(PR_GET_THP_DISABLE) */
	/*
	 * The id in files.img of the file that a VMA_FILE_* area maps (vma->file_fd, vma->file_flags). Called once per
	 * distinct file_fd. 0 or -errno.
	 */
	int (*file_id)(void *arg, const struct vma *vma, uint32_t *ret);
	void *arg;
};

/* Writes the image: mm fields of /proc/PID/stat and auxv, the areas, and what the arguments give. 0 or -errno. */
int mm_dump(struct cr_ctx *ctx, const struct mm_dump_args *args);

/* How many of a validated MM's entries are areas, in ascending order; guard regions follow. */
static inline size_t mm_nr_areas(const MmEntry *mm)
{
	size_t nr = mm->n_vmas;

	while (nr && mm->vmas[nr - 1]->status & VMA_AREA_GUARD)
		nr--;
	return nr;
}

/*
 * Reads mm-PID.img and checks everything that can be checked without the other images: areas ascending,
 * aligned, not overlapping, in the user's address range, of kinds that are supported, with sane protection
 * and flags; bounds; auxv. 0, -EBADMSG, -EOPNOTSUPP by name, -errno. Free with mm_entry__free_unpacked(*RET, NULL).
 */
int mm_read(struct cr_ctx *ctx, int images_dirfd, pid_t pid, MmEntry **ret);
/* The same checks of an entry that came by another way. */
int mm_validate(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm);

#endif
