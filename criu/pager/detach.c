/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A cgroup of its own, so that it doesn't end, and isn't charged, with who ran criu or with a container: below the root
 * of the unified hierarchy, where that may be written; else it stays where it was started.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "pager/state.h"

#define PREFIX "criu-pager."

static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

/* Of pagers that were killed; those in use are busy. */
static void remove_old(const char *root)
{
	_cleanup_closedir_ DIR *dir = opendir(root);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (!strncmp(e->d_name, PREFIX, strlen(PREFIX)))
			unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
}

int own_cgroup_make(char path[PAGER_CGROUP_PATH])
{
	struct statfs fs;

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		if (statfs(roots[i], &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		remove_old(roots[i]);
		snprintf(path, PAGER_CGROUP_PATH, "%s/%s%d", roots[i], PREFIX, getpid());
		if (!mkdir(path, 0755))
			return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	path[0] = 0;
	return -1;
}

/* Who ends in a cgroup can't remove it: back to the root first, with the guardian. */
void own_cgroup_leave(struct pager *p)
{
	char *slash, pid[16];
	char root[sizeof(p->cgroup) + 16];

	if (!p->cgroup[0])
		return;
	slash = strrchr(p->cgroup, '/');
	snprintf(root, sizeof(root), "%.*s/cgroup.procs", (int)(slash - p->cgroup), p->cgroup);
	write_file_at(AT_FDCWD, root, "0", 1);
	if (p->guardian > 0) {
		snprintf(pid, sizeof(pid), "%d", p->guardian);
		write_file_at(AT_FDCWD, root, pid, strlen(pid));
	}
	rmdir(p->cgroup);
}
