/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/reopen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

static int reopen(struct cr_ctx *ctx, int min_fd, int fd)
{
	_cleanup_close_ int low = -1;
	char path[32];
	int high = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	low = open(path, O_RDWR | O_CLOEXEC);
	if (low >= 0)
		high = fcntl(low, F_DUPFD_CLOEXEC, min_fd);
	return high < 0 ? cr_fail_errno(ctx, -errno, "Can't open a mapped file for writing") : high;
}

int reopen_for_writing(struct cr_ctx *ctx, struct reopened *files, uint64_t id, int min_fd, int *fd)
{
	struct reopened_file *v;
	int flags = fcntl(*fd, F_GETFL), writable;

	if (flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) == O_RDWR)
		return 0;
	for (size_t i = 0; i < files->nr; i++) {
		if (files->v[i].id != id)
			continue;
		*fd = files->v[i].fd;
		return 0;
	}
	v = reallocarray(files->v, files->nr + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	files->v = v;
	writable = reopen(ctx, min_fd, *fd);
	if (writable < 0)
		return writable;
	v[files->nr++] = (struct reopened_file){ id, writable };
	*fd = writable;
	return 0;
}
