/* SPDX-License-Identifier: GPL-2.0 */
/* Timers that are read: timerfd_create(2). */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>

#include "fd/dump.h"
#include "fd/registry.h"
#include "fd/restore.h"

#include "timerfd.pb-c.h"

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

#define NSEC 1000000000l

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

static int timerfd_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	TimerfdEntry entry = TIMERFD_ENTRY__INIT;
	FownEntry fown;
	int r = read_timer(obj, &entry);

	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't read the timer", FD_WHO_ARGS(obj));
	r = fown_dump(dump, obj, &fown);
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

static int timerfd_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	*ret = timerfd_create(file->entry->tfd->clockid, TFD_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

/* As late as can be: the time that was left at dump is left now. */
static int timerfd_finish(struct fd_restore *restore, struct fd_file *file, int nr, pid_t pid, pid_t sid)
{
	const TimerfdEntry *entry = file->entry->tfd;
	struct itimerspec spec = {
		.it_value = { entry->vsec, entry->vnsec },
		.it_interval = { entry->isec, entry->insec },
	};

	/* An image may say that the timer has expired, but not when its next time would have been. */
	if (!entry->vsec && !entry->vnsec && (entry->isec || entry->insec) && entry->ticks)
		spec.it_value = spec.it_interval;
	if ((entry->settime_flags & TFD_TIMER_ABSTIME) && (spec.it_value.tv_sec || spec.it_value.tv_nsec)) {
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
	if (entry->ticks && ioctl(nr, TFD_IOC_SET_TICKS, &entry->ticks) < 0)
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
	.check = timerfd_check,
	.open = timerfd_open,
	.finish = timerfd_finish,
};
