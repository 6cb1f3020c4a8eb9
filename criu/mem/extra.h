/* SPDX-License-Identifier: GPL-2.0 */
/* mm-extra.img: what areas are beyond mm-PID.img. Images of CRIU have no field for it. */
#ifndef CRIU_MEM_EXTRA_H
#define CRIU_MEM_EXTRA_H

#include <sys/types.h>

#include "base/error.h"
#include "mem/vma.h"
#include "mm-extra.pb-c.h"
#include "mm.pb-c.h"

/* vma.extra and area_extra.flags. */
#define MM_EXTRA_ONFAULT   (1u << 0) /* MLOCK_ONFAULT; such an area is MAP_LOCKED, too */
#define MM_EXTRA_SEALED	   (1u << 1) /* mseal(2) */
#define MM_EXTRA_DROPPABLE (1u << 2) /* MAP_DROPPABLE */
#define MM_EXTRA_KNOWN	   (MM_EXTRA_ONFAULT | MM_EXTRA_SEALED | MM_EXTRA_DROPPABLE)

struct image;

/* A dump's mm-extra.img; zeroed at first. It comes into being with the first task that has something to say. */
struct mm_extra_dump {
	struct image *img;
};

/* Adds what the areas of task PID are, and how its future ones are locked (flags of mlockall(2), 0: they aren't). */
int mm_extra_add(struct cr_ctx *ctx, struct mm_extra_dump *dump, int images_dirfd, pid_t pid,
		 const struct vma_list *vmas, uint32_t locks);
/* Completes the image; when there is nothing in it, removes one that an older dump left. */
int mm_extra_end(struct cr_ctx *ctx, struct mm_extra_dump *dump, int images_dirfd);
/* After an error. */
void mm_extra_cancel(struct mm_extra_dump *dump);

/*
 * Reads the image, if there is one; TAKE gets each entry and owns it from then on, whatever it returns. 0 or -errno.
 */
int mm_extra_read(struct cr_ctx *ctx, int images_dirfd, int (*take)(void *arg, MmExtraEntry *e), void *arg);
/* Its flags are known and its areas are areas of MM: 0 or -EBADMSG. */
int mm_extra_validate(struct cr_ctx *ctx, const MmExtraEntry *e, const MmEntry *mm);

#endif
