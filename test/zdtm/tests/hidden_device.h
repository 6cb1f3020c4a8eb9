/* SPDX-License-Identifier: GPL-2.0 */
/* A device node that is open and that a mount hides: nobody can open it again by its name. */
#ifndef HIDDEN_DEVICE_H
#define HIDDEN_DEVICE_H

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "zdtm.h"

/* One like /dev/zero. */
static inline int open_hidden_device(void)
{
	int fd;

	MUST(mkdir("dir", 0700));
	MUST(mknod("dir/zero", S_IFCHR | 0600, makedev(1, 5)));
	fd = MUST(open("dir/zero", O_RDWR));
	MUST(mount("none", "dir", "tmpfs", 0, NULL));
	return fd;
}

#endif
