/* SPDX-License-Identifier: GPL-2.0 */
/* Signals that are read: signalfd(2). */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd/dump.h"
#include "fd/registry.h"
#include "fd/restore.h"

#include "signalfd.pb-c.h"

static bool signalfd_match(const struct fd_object *obj)
{
	return !strcmp(obj->link, "anon_inode:[signalfd]");
}

static int signalfd_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	SignalfdEntry entry = SIGNALFD_ENTRY__INIT;
	FownEntry fown;
	int r = proc_fdinfo_u64(obj->info, "sigmask", 16, &entry.sigmask);

	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't read its mask", FD_WHO_ARGS(obj));
	r = fown_dump(dump, obj, &fown);
	if (r < 0)
		return r;
	entry.id = obj->id;
	entry.flags = obj->flags;
	entry.fown = &fown;
	return fd_dump_write(dump, FD_TYPES__SIGNALFD, obj->id, &entry.base);
}

static int signalfd_check(struct fd_restore *restore, struct fd_file *file)
{
	return 0; /* every mask is possible: the kernel drops SIGKILL and SIGSTOP */
}

static int signalfd_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	uint64_t mask = file->entry->sgfd->sigmask;

	*ret = syscall(SYS_signalfd4, -1, &mask, sizeof(mask), 0);
	return *ret < 0 ? -errno : 0;
}

const struct fd_ops signalfd_ops = {
	.name = "a signalfd",
	.type = FD_TYPES__SIGNALFD,
	.member = offsetof(FileEntry, sgfd),
	.old_kind = IMG_SIGNALFD,
	.match = signalfd_match,
	.dump = signalfd_dump,
	.check = signalfd_check,
	.open = signalfd_open,
};
