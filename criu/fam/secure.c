/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/secure.h"

#include <fcntl.h>

#include "base/cleanup.h"

const char *fam_owner_fault(const struct stat *st, char text[FAM_FAULT_TEXT])
{
	if (st->st_uid)
		snprintf(text, FAM_FAULT_TEXT, "belongs to user %u, not to root", st->st_uid);
	else if (st->st_mode & 077)
		snprintf(text, FAM_FAULT_TEXT, "has mode %04o: it must be closed to group and others",
			 st->st_mode & 07777);
	else if (S_ISREG(st->st_mode) && st->st_nlink > 1)
		snprintf(text, FAM_FAULT_TEXT, "has %lu names: it must have one", (unsigned long)st->st_nlink);
	else
		return NULL;
	return text;
}

int fam_check_owner(struct cr_ctx *ctx, int fd, const char *what, struct stat *ret)
{
	char text[FAM_FAULT_TEXT];
	const char *fault;

	if (fstat(fd, ret))
		return cr_fail_errno(ctx, -errno, "Can't look at %s", what);
	fault = fam_owner_fault(ret, text);
	return fault ? cr_fail(ctx, -EPERM, "%s %s: it isn't used as a pool", what, fault) : 0;
}

int fam_open_at(struct cr_ctx *ctx, int dirfd, const char *where, const char *name, int flags)
{
	/* O_NONBLOCK: a FIFO of that name must not stop us. */
	_cleanup_close_ int fd = openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	char what[512];
	struct stat st;
	int r;

	snprintf(what, sizeof(what), "%s/%s", where, name);
	if (fd < 0) {
		r = -errno;
		if (r == -ELOOP || (r == -ENOTDIR && flags & O_DIRECTORY))
			return cr_fail(ctx, -EPERM, "%s is a symbolic link or no directory: no pool has that", what);
		return r == -ENOENT ? r : cr_fail_errno(ctx, r, "Can't open %s", what);
	}
	r = fam_check_owner(ctx, fd, what, &st);
	if (r)
		return r;
	if (!(flags & O_DIRECTORY) && !S_ISREG(st.st_mode))
		return cr_fail(ctx, -EPERM, "%s isn't a regular file", what);
	return take_fd(fd);
}
