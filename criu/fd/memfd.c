/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfd_create(2). Sets of CRIU 4.2 describe shared anonymous memory as a memfd that is mapped and has no
 * descriptor; mem/shmem.c brings that back, so such an entry only has to be known here.
 */
#include <errno.h>

#include "fd/registry.h"
#include "fd/restore.h"

static bool memfd_match(const struct fd_object *obj)
{
	return false;
}

static int memfd_check(struct fd_restore *restore, struct fd_file *file)
{
	file->path_only = true;
	return 0;
}

static int memfd_check_table(struct fd_restore *restore, struct fd_file *file)
{
	return cr_fail(restore->ctx, -EOPNOTSUPP, "fdinfo-%u.img: descriptors of memfd_create(2) aren't supported",
		       file->table->files_id);
}

const struct fd_ops memfd_ops = {
	.name = "a memfd",
	.type = FD_TYPES__MEMFD,
	.member = offsetof(FileEntry, memfd),
	.old_kind = -1,
	.match = memfd_match,
	.check = memfd_check,
	.check_table = memfd_check_table,
};
