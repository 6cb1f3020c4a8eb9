/* SPDX-License-Identifier: GPL-2.0 */
/* Timers that are read: timerfd_create(2). */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>

#include "fd/dump.h"
#include "fd/registry.h"
#include "fd/restore.h"

#include "timerfd-time.pb-c.h"
#include "timerfd.pb-c.h"

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

#define NSEC 1000000000l
/* What is over expires at once. */
#define EXPIRES_WITHIN_MS 1000

static bool timerfd_match(const struct fd_object *obj)
{
	return !strcmp(obj->link, "anon_inode:[timerfd]");
}

/*
 * An interval timer that has expired is counted on only when somebody asks: after timerfd_gettime(2) fdinfo
 * tells all expirations.
 */
static int read_timer(const struct fd_object *obj, TimerfdEntry *entry)
{
	_cleanup_proc_fdinfo_ struct proc_fdinfo info = {};
	struct itimerspec now;
	uint64_t clock, flags;
	int r;

	if (timerfd_gettime(obj->fd, &now) < 0)
		return -errno;
	r = proc_read_fdinfo(obj->task->procfd, obj->nr, &info);
	if (!r)
		r = proc_fdinfo_u64(&info, "clockid", 10, &clock);
	if (!r)
		r = proc_fdinfo_u64(&info, "ticks", 10, &entry->ticks);
	if (!r)
		r = proc_fdinfo_u64(&info, "settime flags", 8, &flags);
	if (r < 0)
		return r;
	entry->clockid = clock;
	entry->settime_flags = flags;
	entry->vsec = now.it_value.tv_sec;
	entry->vnsec = now.it_value.tv_nsec;
	entry->isec = now.it_interval.tv_sec;
	entry->insec = now.it_interval.tv_nsec;
	return 0;
}

/* Is it the time of day at which it expires that has been set? */
static bool has_time_of_day(const TimerfdEntry *entry)
{
	return entry->settime_flags & TFD_TIMER_ABSTIME && (entry->vsec || entry->vnsec) &&
	       (entry->clockid == CLOCK_REALTIME || entry->clockid == CLOCK_REALTIME_ALARM);
}

#define LOOKS 16

/*
 * The kernel tells the time that is left only. From the looks at the clock and at the timer the two that lie nearest to
 * each other count, so that the sum is right but for the time of a system call.
 */
static int dump_time_of_day(struct fd_dump *dump, const struct fd_object *obj, uint32_t id)
{
	TimerfdTimeEntry entry = TIMERFD_TIME_ENTRY__INIT;
	int64_t best = INT64_MAX, at = 0;

	for (int i = 0; i < LOOKS; i++) {
		struct timespec before, after;
		struct itimerspec left;
		int64_t took;

		if (clock_gettime(CLOCK_REALTIME, &before) < 0 || timerfd_gettime(obj->fd, &left) < 0 ||
		    clock_gettime(CLOCK_REALTIME, &after) < 0)
			return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't read the timer", FD_WHO_ARGS(obj));
		took = (after.tv_sec - before.tv_sec) * NSEC + after.tv_nsec - before.tv_nsec;
		if (took < 0 || took >= best || (!left.it_value.tv_sec && !left.it_value.tv_nsec))
			continue;
		best = took;
		at = (before.tv_sec + left.it_value.tv_sec) * NSEC + before.tv_nsec + left.it_value.tv_nsec + took / 2;
	}
	if (best == INT64_MAX)
		return 0;
	entry.id = id;
	entry.sec = at / NSEC;
	entry.nsec = at % NSEC;
	return fd_dump_append(dump, IMG_TIMERFD_TIME, &entry.base, NULL, 0);
}

static int timerfd_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	TimerfdEntry entry = TIMERFD_ENTRY__INIT;
	FownEntry fown;
	int r = read_timer(obj, &entry);

	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't read the timer", FD_WHO_ARGS(obj));
	r = fown_dump(dump, obj, &fown);
	if (!r && has_time_of_day(&entry))
		r = dump_time_of_day(dump, obj, obj->id);
	if (r < 0)
		return r;
	entry.id = obj->id;
	entry.flags = obj->flags;
	entry.fown = &fown;
	return fd_dump_write(dump, FD_TYPES__TIMERFD, obj->id, &entry.base);
}

static int timerfd_check(struct fd_restore *restore, struct fd_file *file)
{
	const TimerfdEntry *entry = file->entry->tfd;

	if (entry->vsec > INT32_MAX * 2ull || entry->isec > INT64_MAX / NSEC || entry->vnsec >= NSEC ||
	    entry->insec >= NSEC)
		return fd_bad(restore, file, "an impossible time");
	if (entry->settime_flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return fd_bad(restore, file, "unknown flags");
	switch (entry->clockid) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return 0;
	default:
		return fd_bad(restore, file, "an unknown clock");
	}
}

/* What timerfd-time.img tells; by ascending id. */
struct times {
	TimerfdTimeEntry *v; /* plain copies */
	size_t nr;
};

static int compare_times(const void *a, const void *b)
{
	const TimerfdTimeEntry *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int take_time(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg)
{
	struct times *times = fd_restore_state(restore, &timerfd_ops, sizeof(*times));
	const TimerfdTimeEntry *entry = (TimerfdTimeEntry *)msg;
	const struct fd_file *file = fd_file_find(restore, entry->id);
	TimerfdTimeEntry *v;

	if (!times)
		return -ENOMEM;
	if (!file || file->ops != &timerfd_ops || !has_time_of_day(file->entry->tfd))
		return cr_fail(restore->ctx, -EBADMSG, "timerfd-time.img: file %u is no timerfd with a time of day",
			       entry->id);
	if (entry->sec > INT64_MAX / NSEC - 1 || entry->nsec >= NSEC)
		return cr_fail(restore->ctx, -EBADMSG, "timerfd-time.img: file %u has an impossible time", entry->id);
	v = reallocarray(times->v, times->nr + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	times->v = v;
	v[times->nr++] = *entry;
	return 0;
}

static int timerfd_read(struct fd_restore *restore)
{
	struct times *times = fd_restore_state(restore, &timerfd_ops, sizeof(*times));
	int r = times ? fd_read_image(restore, IMG_TIMERFD_TIME, take_time) : -ENOMEM;

	if (!r && times->nr)
		qsort(times->v, times->nr, sizeof(*times->v), compare_times);
	return r;
}

static void timerfd_free(struct fd_restore *restore)
{
	struct times *times = fd_restore_state(restore, &timerfd_ops, sizeof(*times));

	if (times)
		free(times->v);
}

static const TimerfdTimeEntry *find_time(struct fd_restore *restore, uint32_t id)
{
	const struct times *times = fd_restore_state(restore, &timerfd_ops, sizeof(*times));
	TimerfdTimeEntry key = { .id = id };

	return times && times->nr ? bsearch(&key, times->v, times->nr, sizeof(key), compare_times) : NULL;
}

static int timerfd_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	*ret = timerfd_create(file->entry->tfd->clockid, TFD_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

static bool is_over(const TimerfdTimeEntry *time)
{
	struct timespec now;

	return !clock_gettime(CLOCK_REALTIME, &now) &&
	       (now.tv_sec > (int64_t)time->sec || (now.tv_sec == (int64_t)time->sec && now.tv_nsec >= time->nsec));
}

/* As late as can be: the time that was left at dump is left now. */
static int timerfd_finish(struct fd_restore *restore, struct fd_file *file, int nr, pid_t pid, pid_t sid)
{
	const TimerfdEntry *entry = file->entry->tfd;
	const TimerfdTimeEntry *time = find_time(restore, file->id);
	uint64_t ticks = entry->ticks;
	struct itimerspec spec = {
		.it_value = { entry->vsec, entry->vnsec },
		.it_interval = { entry->isec, entry->insec },
	};

	/* An image may say that the timer has expired, but not when its next time would have been. */
	if (!entry->vsec && !entry->vnsec && (entry->isec || entry->insec) && entry->ticks)
		spec.it_value = spec.it_interval;
	if (time) {
		spec.it_value = (struct timespec){ time->sec, time->nsec };
	} else if ((entry->settime_flags & TFD_TIMER_ABSTIME) && (spec.it_value.tv_sec || spec.it_value.tv_nsec)) {
		struct timespec now;

		if (clock_gettime(entry->clockid, &now) < 0)
			return cr_fail_errno(restore->ctx, -errno, "Can't read clock %u", entry->clockid);
		spec.it_value.tv_sec += now.tv_sec;
		spec.it_value.tv_nsec += now.tv_nsec;
		if (spec.it_value.tv_nsec >= NSEC) {
			spec.it_value.tv_nsec -= NSEC;
			spec.it_value.tv_sec++;
		}
	}
	if (timerfd_settime(nr, entry->settime_flags, &spec, NULL) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't start the timer of descriptor %d", nr);
	if (ticks && time && is_over(time)) {
		/* It counts from zero: what was there before is added when it has. */
		struct pollfd expired = { .fd = nr, .events = POLLIN };

		if (poll(&expired, 1, EXPIRES_WITHIN_MS) == 1)
			ticks++;
	}
	if (ticks && ioctl(nr, TFD_IOC_SET_TICKS, &ticks) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't set the expirations of descriptor %d", nr);
	return 0;
}

const struct fd_ops timerfd_ops = {
	.name = "a timerfd",
	.type = FD_TYPES__TIMERFD,
	.member = offsetof(FileEntry, tfd),
	.old_kind = IMG_TIMERFD,
	.match = timerfd_match,
	.dump = timerfd_dump,
	.read = timerfd_read,
	.check = timerfd_check,
	.open = timerfd_open,
	.finish = timerfd_finish,
	.free = timerfd_free,
};
