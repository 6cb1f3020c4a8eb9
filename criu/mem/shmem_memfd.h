/* SPDX-License-Identifier: GPL-2.0 */
/* Sets that call shared anonymous memory a memfd. */
#ifndef CRIU_MEM_SHMEM_MEMFD_H
#define CRIU_MEM_SHMEM_MEMFD_H

#include <stdbool.h>

#include "base/error.h"
#include "mm.pb-c.h"

/*
 * Linux shows shared anonymous memory as a deleted file "/dev/zero" of the mount that also has the memfds, and
 * CRIU 4.2 takes it for one of them: the area's shmid is then the id of a file whose inode, in memfd.img,
 * has that name and the segment's shmid. Turns such areas into VMA_ANON_SHARED ones; those of real memfds
 * stay as they are. 0 or -errno.
 */
int shmem_adopt_memfds(struct cr_ctx *ctx, int images_dirfd, MmEntry *const *mms, size_t nr);

/* Is NAME, of an entry of memfd.img, that of shared anonymous memory? A memfd with such a name is refused at dump. */
bool shmem_is_memfd_name(const char *name);

#endif
