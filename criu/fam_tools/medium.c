/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/medium.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "fam/dir.h"

/* statx(2), since Linux 5.8. */
#ifndef STATX_ATTR_DAX
#define STATX_ATTR_DAX 0x00200000
#endif

const char *fam_medium_name(const struct fam_pool *pool)
{
	struct statfs fs;
	struct statx st;

	if (!(pool->caps & FAM_CAP_FILE))
		return !fstatfs(pool->fd, &fs) && fs.f_type == HUGETLBFS_MAGIC ? "hugetlbfs" : "devdax";
	if (pool->caps & FAM_CAP_UFFD)
		return "tmpfs";
	/* Of files only, not of directories. */
	if (!statx(pool->fd, DIR_SUPER, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) &&
	    st.stx_attributes & STATX_ATTR_DAX)
		return "fsdax";
	return "file";
}
