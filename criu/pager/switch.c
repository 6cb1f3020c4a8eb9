/* SPDX-License-Identifier: GPL-2.0 */
#include "pager/switch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The table of descriptors is as large as the highest: 8 bytes each. */
#define HIGH_FD	  4096
#define MIN_SPACE 16
/* As many processes as there can be, nearly. */
#define PIDS_MAX (1ul << 20)

/* A number far above what is in use, or -errno. */
static int move_high(int fd, int want)
{
	struct rlimit limit;
	int high;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	if ((rlim_t)want + MIN_SPACE > limit.rlim_cur)
		want = limit.rlim_cur - MIN_SPACE;
	high = fcntl(fd, F_DUPFD_CLOEXEC, want);
	return high < 0 ? -errno : high;
}

int switch_make(struct kill_switch *sw)
{
	_cleanup_close_ int low = -1;
	int fds[2], high;

	/* Never moved: who is killed meanwhile would leave a wrong address. */
	sw->pids = mmap(NULL, PIDS_MAX * sizeof(*sw->pids), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sw->pids == MAP_FAILED)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	/* The pipe itself may have taken the lowest number. */
	low = fcntl(fds[1], F_DUPFD_CLOEXEC, SWITCH_LOWEST + MIN_SPACE);
	sw->readers[0] = fcntl(fds[0], F_DUPFD_CLOEXEC, SWITCH_LOWEST + MIN_SPACE);
	close(fds[0]);
	close(fds[1]);
	if (low < 0 || sw->readers[0] < 0 || dup3(low, SWITCH_LOWEST, O_CLOEXEC) < 0)
		return -errno;
	sw->writers[0] = SWITCH_LOWEST;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	sw->readers[1] = fds[0];
	high = move_high(fds[1], HIGH_FD);
	close(fds[1]);
	if (high < 0)
		return high;
	sw->writers[1] = high;
	return 0;
}

bool switch_has(const struct kill_switch *sw, pid_t pid)
{
	for (size_t i = 0; i < sw->nr; i++)
		if (sw->pids[i].pid == pid && sw->pids[i].fds[0] >= 0)
			return true;
	return false;
}

/* A file of its own for each owner. */
static int open_reader(int fd, pid_t pid)
{
	char path[32];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (own < 0)
		return -errno;
	if (fcntl(own, F_SETSIG, SIGKILL) || fcntl(own, F_SETOWN, pid) || fcntl(own, F_SETFL, O_NONBLOCK | O_ASYNC)) {
		close_fdp(&own);
		return -errno;
	}
	return own;
}

int switch_arm(struct kill_switch *sw, pid_t pid)
{
	struct switch_pid *e;
	int err = 0;

	if (switch_has(sw, pid))
		return 0;
	if (sw->nr == PIDS_MAX)
		return -ENOSPC;
	e = &sw->pids[sw->nr];
	*e = (struct switch_pid){ pid, { -1, -1 } };
	for (int i = 0; i < 2 && !err; i++) {
		e->fds[i] = open_reader(sw->readers[i], pid);
		err = e->fds[i] < 0 ? e->fds[i] : switch_raise(sw, e->fds[i]);
	}
	if (err) {
		close_fdp(&e->fds[0]);
		close_fdp(&e->fds[1]);
		return err;
	}
	sw->nr++;
	return 0;
}

int switch_raise(struct kill_switch *sw, int fd)
{
	int old = sw->writers[1], high;

	if (fd < old)
		return 0;
	high = move_high(old, 2 * fd);
	if (high < 0)
		return high;
	sw->writers[1] = high;
	close(old);
	return 0;
}

void switch_sweep(struct kill_switch *sw)
{
	for (size_t i = 0; i < sw->nr; i++) {
		struct switch_pid *e = &sw->pids[i];

		if (!kill(e->pid, 0) || errno != ESRCH)
			continue;
		close_fdp(&e->fds[0]);
		close_fdp(&e->fds[1]);
		*e = sw->pids[sw->nr - 1];
		sw->nr--;
		i--;
	}
}

void switch_disarm(struct kill_switch *sw)
{
	for (size_t i = 0; i < sw->nr; i++)
		for (int k = 0; k < 2; k++)
			close_fdp(&sw->pids[i].fds[k]);
	/* Who was killed while it armed one has left readers that aren't noted. */
	syscall(SYS_close_range, SWITCH_LOWEST + 1, sw->writers[1] - 1, 0);
}

void switch_fire(struct kill_switch *sw)
{
	close_fdp(&sw->writers[0]);
	close_fdp(&sw->writers[1]);
}
