/* SPDX-License-Identifier: GPL-2.0 */
/* Makes pseudoterminals: pty(7), ptmx(4), ioctl_tty(2). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/tty.h"

/* More than the kernel's default of kernel.pty.max. */
#define TRIES_MAX 8192

/* The kernel gives the lowest free number, so those below the wanted one are held until it comes. */
static int open_until(const char *path, int flags, int index, int *held, int *nr_held)
{
	int most = index < TRIES_MAX ? index + 1 : 1, lowest_fd = -1;

	while (*nr_held < most) {
		int fd = open(path, flags);
		unsigned int n;

		if (fd < 0 || ioctl(fd, TIOCGPTN, &n) < 0) {
			int error = errno;

			close_fdp(&fd);
			return *nr_held ? held[0] : -error;
		}
		held[(*nr_held)++] = fd;
		if ((int)n == index)
			return fd;
		if (lowest_fd < 0)
			lowest_fd = fd;
		if ((int)n > index)
			break;
	}
	return lowest_fd;
}

int pty_open_master(struct fd_restore *restore, const char *path, int flags, int index, int *ret_fd, int *ret_index)
{
	_cleanup_free_ int *held = calloc(TRIES_MAX, sizeof(*held));
	int nr = 0, fd;
	unsigned int n;

	if (!held)
		return -ENOMEM;
	fd = open_until(path, flags | O_NOCTTY | O_CLOEXEC, index, held, &nr);
	for (int i = 0; i < nr; i++)
		if (held[i] != fd)
			close(held[i]);
	if (fd < 0)
		return cr_fail_errno(restore->ctx, fd, "Can't make a pseudoterminal by %s", path);
	*ret_fd = fd;
	if (ioctl(fd, TIOCGPTN, &n) < 0)
		return -errno;
	*ret_index = n;
	if (*ret_index != index)
		log_warn(restore->ctx->log, "The pseudoterminal %d is in use; its tasks get %d", index, *ret_index);
	return 0;
}

/* Runs in a process of its own, which shares our descriptors: what it opens is ours. */
static int open_in_session(int master_fd, int flags, int number)
{
	int fd;

	signal(SIGHUP, SIG_IGN);
	signal(SIGCONT, SIG_IGN);
	if (setsid() < 0 || ioctl(master_fd, TIOCSCTTY, 0) < 0)
		return errno;
	fd = open("/dev/tty", flags);
	if (fd < 0)
		return errno;
	if (dup3(fd, number, O_CLOEXEC) < 0)
		return errno;
	close(fd);
	return ioctl(number, TIOCNOTTY) < 0 ? errno : 0;
}

int pty_open_as_ctty(int master_fd, int flags, int *ret)
{
	_cleanup_close_ int number = fcntl(master_fd, F_DUPFD_CLOEXEC, 0);
	int status;
	pid_t pid;

	if (number < 0)
		return -errno;
	/* No exit signal: SIGCHLD would stay behind in a task that is being restored. */
	pid = syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, 0);
	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(open_in_session(master_fd, flags | O_NOCTTY | O_CLOEXEC, number));
	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
	*ret = take_fd(number);
	return 0;
}
