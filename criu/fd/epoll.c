/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of watched descriptors: epoll(7). The kernel knows a watched file by the open file and the number under
 * which it was added; the number may mean another file by now, or none. Then the entry's id says which file.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd/dump.h"
#include "fd/registry.h"
#include "fd/restore.h"

#include "eventpoll.pb-c.h"

#define WATCHED_MAX 1000000u

/* EPIOCGPARAMS of ioctl_eventpoll(2), Linux 6.9: newer than the headers of some distributions. */
struct busy_polling {
	uint32_t usecs;
	uint16_t budget;
	uint8_t prefer, pad;
};
#define GET_BUSY_POLLING _IOR(0x8A, 0x02, struct busy_polling)

static bool epoll_match(const struct fd_object *obj)
{
	return !strcmp(obj->link, "anon_inode:[eventpoll]");
}

/* Is the descriptor NR what the TOFF-th (from 0) entry of the number TFD watches? 1, 0 or -errno. */
static int is_target(const struct fd_object *obj, int nr, uint32_t tfd, uint32_t toff)
{
	struct kcmp_epoll_slot slot = { .efd = obj->nr, .tfd = tfd, .toff = toff };
	pid_t pid = obj->task->pid;
	long order = syscall(SYS_kcmp, pid, pid, KCMP_EPOLL_TFD, (long)nr, &slot);

	return order < 0 ? -errno : order == 0;
}

/* Most often the number still is what it was. Else any descriptor of the same file will do. */
static int find_target(struct fd_dump *dump, const struct fd_object *obj, EventpollTfdEntry *entry, uint32_t toff)
{
	int r = 0;

	for (size_t i = 0; i < dump->nr_seen; i++)
		if (dump->seen[i].nr == (int)entry->tfd)
			r = is_target(obj, entry->tfd, entry->tfd, toff);
	for (size_t i = 0; i < dump->nr_seen && !r; i++) {
		if (dump->seen[i].ino != entry->inode)
			continue;
		r = is_target(obj, dump->seen[i].nr, entry->tfd, toff);
		if (r > 0)
			entry->id = dump->seen[i].id;
	}
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't ask what it watches as %u", FD_WHO_ARGS(obj),
				     entry->tfd);
	if (!r)
		return cr_fail(dump->ctx, -EOPNOTSUPP,
			       FD_WHO "an epoll that watches a file without a descriptor in the task (added as %u) "
				      "isn't supported",
			       FD_WHO_ARGS(obj), entry->tfd);
	return 0;
}

/* "3 events: 80000019 data: 1234567890abcdef  pos:0 ino:406 sdev:10": all but the first in hexadecimal. */
static int parse_watched(const char *text, EventpollTfdEntry *ret)
{
	int end = 0;

	eventpoll_tfd_entry__init(ret);
	if (sscanf(text,
		   "%" SCNu32 " events: %" SCNx32 " data: %" SCNx64 " pos:%" SCNu64 " ino:%" SCNx64 " sdev:%" SCNx32
		   "%n",
		   &ret->tfd, &ret->events, &ret->data, &ret->pos, &ret->inode, &ret->dev, &end) != 6 ||
	    !end || text[end])
		return -EBADMSG;
	ret->has_dev = ret->has_inode = ret->has_pos = true;
	return 0;
}

static int read_watched(struct fd_dump *dump, const struct fd_object *obj, EventpollTfdEntry *v, size_t nr)
{
	uint32_t toff = 0;

	for (size_t i = 0; i < nr; i++) {
		int r = parse_watched(proc_fdinfo_value(obj->info, "tfd", i), &v[i]);

		if (r < 0)
			return cr_fail_errno(dump->ctx, r, FD_WHO "Can't read what it watches", FD_WHO_ARGS(obj));
		toff = 0; /* entries of one number need not stand together */
		for (size_t k = 0; k < i; k++)
			toff += v[k].tfd == v[i].tfd;
		r = find_target(dump, obj, &v[i], toff);
		if (r < 0)
			return r;
	}
	return 0;
}

/* No image has room for it, and nothing but speed depends on it. */
static void warn_of_busy_polling(struct fd_dump *dump, const struct fd_object *obj)
{
	struct busy_polling set = { 0 };

	if (!ioctl(obj->fd, GET_BUSY_POLLING, &set) && (set.usecs || set.budget || set.prefer))
		log_warn(dump->ctx->log, FD_WHO "its busy polling (EPIOCSPARAMS) won't be restored", FD_WHO_ARGS(obj));
}

static int epoll_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	_cleanup_free_ EventpollTfdEntry *v = NULL;
	_cleanup_free_ EventpollTfdEntry **pointers = NULL;
	EventpollFileEntry entry = EVENTPOLL_FILE_ENTRY__INIT;
	FownEntry fown;
	size_t nr = 0;
	int r;

	while (nr < WATCHED_MAX && proc_fdinfo_value(obj->info, "tfd", nr))
		nr++;
	v = calloc(nr + 1, sizeof(*v));
	pointers = calloc(nr + 1, sizeof(*pointers));
	if (!v || !pointers)
		return -ENOMEM;
	r = read_watched(dump, obj, v, nr);
	if (!r)
		r = fown_dump(dump, obj, &fown);
	if (r < 0)
		return r;
	warn_of_busy_polling(dump, obj);
	for (size_t i = 0; i < nr; i++)
		pointers[i] = &v[i];
	entry.id = obj->id;
	entry.flags = obj->flags;
	entry.fown = &fown;
	entry.n_tfd = nr;
	entry.tfd = pointers;
	return fd_dump_write(dump, FD_TYPES__EVENTPOLL, obj->id, &entry.base);
}

/* The number is another file's in the table that adds it. Sets of older versions give the epoll's own id. */
static bool is_moved(const struct fd_file *file, const EventpollTfdEntry *tfd)
{
	return tfd->id && tfd->id != file->id;
}

/* The first generation kept these in an image of their own. */
static int add_old_tfd(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg)
{
	const EventpollTfdEntry *old = (EventpollTfdEntry *)msg;
	struct fd_file *file = fd_file_find(restore, old->id);
	EventpollTfdEntry **grown, *copy;
	EventpollFileEntry *entry;

	if (!file || file->ops != &epoll_ops)
		return -EBADMSG;
	entry = file->entry->epfd;
	grown = reallocarray(entry->tfd, entry->n_tfd + 1, sizeof(*grown));
	copy = malloc(sizeof(*copy));
	if (grown)
		entry->tfd = grown;
	if (!grown || !copy) {
		free(copy);
		return -ENOMEM;
	}
	eventpoll_tfd_entry__init(copy);
	copy->tfd = old->tfd;
	copy->events = old->events;
	copy->data = old->data;
	grown[entry->n_tfd++] = copy;
	return 0;
}

static int check_watched(struct fd_restore *restore, struct fd_file *file)
{
	const EventpollFileEntry *entry = file->entry->epfd;

	for (size_t i = 0; i < entry->n_tfd; i++) {
		const EventpollTfdEntry *tfd = entry->tfd[i];
		int r;

		if (is_moved(file, tfd) && !fd_file_find(restore, tfd->id))
			return fd_bad(restore, file, "a watched file that isn't there");
		r = fd_restore_reserve(restore, tfd->tfd);
		if (r < 0)
			return r;
	}
	return 0;
}

static int epoll_read(struct fd_restore *restore)
{
	int r = fd_read_image(restore, IMG_EVENTPOLL_TFD, add_old_tfd);

	for (size_t i = 0; i < restore->nr_files && !r; i++)
		if (restore->files[i].ops == &epoll_ops)
			r = check_watched(restore, &restore->files[i]);
	return r;
}

static int epoll_check(struct fd_restore *restore, struct fd_file *file)
{
	return 0; /* what it watches is checked when all of it is read */
}

static int epoll_check_table(struct fd_restore *restore, struct fd_file *file)
{
	const EventpollFileEntry *entry = file->entry->epfd;

	for (size_t i = 0; i < entry->n_tfd; i++)
		if (!is_moved(file, entry->tfd[i]) && !fd_table_row_find(file->table, entry->tfd[i]->tfd))
			return cr_fail(restore->ctx, -EBADMSG,
				       "files.img: epoll %u watches descriptor %u, which fdinfo-%u.img doesn't have",
				       file->id, entry->tfd[i]->tfd, file->table->files_id);
	return 0;
}

static int epoll_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	*ret = epoll_create1(EPOLL_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

static int add(struct fd_restore *restore, int epfd, const struct fd_file *file, const EventpollTfdEntry *tfd,
	       uint32_t more)
{
	struct epoll_event event = { .events = tfd->events | more, .data.u64 = tfd->data };

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, tfd->tfd, &event) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't have epoll %u watch descriptor %u", file->id,
				     tfd->tfd);
	return 0;
}

/* What EPOLLONESHOT leaves of the mask once it has fired; else the kernel adds EPOLLERR and EPOLLHUP. */
#define FIRED_MASK (EPOLLONESHOT | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE)

static bool has_fired(const EventpollTfdEntry *tfd)
{
	return (tfd->events & EPOLLONESHOT) && !(tfd->events & ~FIRED_MASK);
}

/* Only firing makes it so: whatever the file is ready for will do. Nothing else can be ready in the set by now. */
static int fire(struct fd_restore *restore, const struct fd_file *file, const EventpollTfdEntry *tfd)
{
	struct epoll_event event;
	int r = add(restore, file->fd, file, tfd, EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP);

	if (r < 0)
		return r;
	r = epoll_wait(file->fd, &event, 1, 0);
	if (r > 0)
		return 0;
	event = (struct epoll_event){ .events = tfd->events, .data.u64 = tfd->data };
	if (r < 0 || epoll_ctl(file->fd, EPOLL_CTL_MOD, tfd->tfd, &event) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't have epoll %u watch descriptor %u", file->id,
				     tfd->tfd);
	log_warn(restore->ctx->log,
		 "Epoll %u: EPOLLONESHOT of descriptor %u has fired; an error or hang-up will be reported before it is "
		 "armed again",
		 file->id, tfd->tfd);
	return 0;
}

/* It has the number for a moment. */
static int place_one(struct fd_restore *restore, const struct fd_file *file, const EventpollTfdEntry *tfd)
{
	const struct fd_file *watched =
		is_moved(file, tfd) ? fd_file_find(restore, tfd->id) : fd_table_row_find(file->table, tfd->tfd)->file;
	int r;

	if (dup2(watched->fd, tfd->tfd) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't put file %u to descriptor %u", watched->id, tfd->tfd);
	r = has_fired(tfd) ? fire(restore, file, tfd) : add(restore, file->fd, file, tfd, 0);
	close(tfd->tfd);
	return r;
}

/* Those that have fired come first, then watched files whose numbers now are others'. The rest is added at the end. */
static int epoll_place(struct fd_restore *restore, struct fd_file *file)
{
	const EventpollFileEntry *entry = file->entry->epfd;
	int r = 0;

	for (size_t i = 0; i < entry->n_tfd && !r; i++)
		if (has_fired(entry->tfd[i]))
			r = place_one(restore, file, entry->tfd[i]);
	for (size_t i = 0; i < entry->n_tfd && !r; i++)
		if (!has_fired(entry->tfd[i]) && is_moved(file, entry->tfd[i]))
			r = place_one(restore, file, entry->tfd[i]);
	return r;
}

static int epoll_finish(struct fd_restore *restore, struct fd_file *file, int nr, pid_t pid, pid_t sid)
{
	const EventpollFileEntry *entry = file->entry->epfd;
	int r = 0;

	for (size_t i = 0; i < entry->n_tfd && !r; i++)
		if (!is_moved(file, entry->tfd[i]) && !has_fired(entry->tfd[i]))
			r = add(restore, nr, file, entry->tfd[i], 0);
	return r;
}

const struct fd_ops epoll_ops = {
	.name = "an epoll",
	.type = FD_TYPES__EVENTPOLL,
	.member = offsetof(FileEntry, epfd),
	.old_kind = IMG_EVENTPOLL_FILE,
	.late = true,
	.match = epoll_match,
	.dump = epoll_dump,
	.read = epoll_read,
	.check = epoll_check,
	.check_table = epoll_check_table,
	.open = epoll_open,
	.place = epoll_place,
	.finish = epoll_finish,
};
