/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that areas map shared and writable, but that stand in files.img as read-only: images of CRIU say only with the
 * area (vma_entry.fdflags) how the file was opened.
 */
#ifndef CRIU_RESTORE_REOPEN_H
#define CRIU_RESTORE_REOPEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct reopened {
	struct reopened_file {
		uint64_t id;
		int fd;
	} * v; /* the descriptors stay open */
	size_t nr;
};

/*
 * *FD is file ID's; if it can't be written, *FD becomes another of the same file that can, at MIN_FD or above, the same
 * for each area. 0 or -errno. Free FILES->v.
 */
int reopen_for_writing(struct cr_ctx *ctx, struct reopened *files, uint64_t id, int min_fd, int *fd);

#endif
