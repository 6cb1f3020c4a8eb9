/* SPDX-License-Identifier: GPL-2.0 */
/* Event counters: eventfd(2). */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/dump.h"
#include "fd/registry.h"
#include "fd/restore.h"

#include "eventfd.pb-c.h"

/*
 * The image has no member for semaphores. The file's flags hold its access mode, O_RDWR, in two bits of which
 * this is the free one.
 */
#define SEMAPHORE_FLAG EFD_SEMAPHORE

static bool eventfd_match(const struct fd_object *obj)
{
	return !strcmp(obj->link, "anon_inode:[eventfd]");
}

/*
 * Before Linux 6.5 nothing shows it but a read, which takes 1 from a semaphore and all from another. What was taken is
 * given back; none of those that could see the difference runs.
 */
static int ask_by_reading(const struct fd_object *obj, uint64_t counter, uint64_t *semaphore)
{
	uint64_t added = counter < 2 ? 2 - counter : 0, taken, back;

	if (added && write(obj->fd, &added, sizeof(added)) != sizeof(added))
		return -errno;
	if (read(obj->fd, &taken, sizeof(taken)) != sizeof(taken))
		return -errno;
	*semaphore = taken == 1;
	back = counter < 2 ? counter : taken;
	if (*semaphore && counter < 2) { /* one is left */
		if (counter)
			return 0;
		return read(obj->fd, &taken, sizeof(taken)) == sizeof(taken) ? 0 : -errno;
	}
	return !back || write(obj->fd, &back, sizeof(back)) == sizeof(back) ? 0 : -errno;
}

static int eventfd_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	EventfdFileEntry entry = EVENTFD_FILE_ENTRY__INIT;
	uint64_t semaphore = 0;
	FownEntry fown;
	int r = proc_fdinfo_u64(obj->info, "eventfd-count", 16, &entry.counter);

	if (!r) {
		r = proc_fdinfo_u64(obj->info, "eventfd-semaphore", 10, &semaphore);
		if (r == -ENOENT)
			r = ask_by_reading(obj, entry.counter, &semaphore);
	}
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't read its counter", FD_WHO_ARGS(obj));
	r = fown_dump(dump, obj, &fown);
	if (r < 0)
		return r;
	entry.id = obj->id;
	entry.flags = obj->flags | (semaphore ? SEMAPHORE_FLAG : 0);
	entry.fown = &fown;
	return fd_dump_write(dump, FD_TYPES__EVENTFD, obj->id, &entry.base);
}

static int eventfd_check(struct fd_restore *restore, struct fd_file *file)
{
	return file->entry->efd->counter == UINT64_MAX ? fd_bad(restore, file, "an impossible counter") : 0;
}

static int eventfd_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	const EventfdFileEntry *entry = file->entry->efd;
	_cleanup_close_ int fd = eventfd(0, EFD_CLOEXEC | (entry->flags & SEMAPHORE_FLAG ? EFD_SEMAPHORE : 0));

	if (fd < 0)
		return -errno;
	if (entry->counter && write(fd, &entry->counter, sizeof(entry->counter)) != sizeof(entry->counter))
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

const struct fd_ops eventfd_ops = {
	.name = "an eventfd",
	.type = FD_TYPES__EVENTFD,
	.member = offsetof(FileEntry, efd),
	.old_kind = IMG_EVENTFD_FILE,
	.match = eventfd_match,
	.dump = eventfd_dump,
	.check = eventfd_check,
	.open = eventfd_open,
};
