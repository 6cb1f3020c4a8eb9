/* SPDX-License-Identifier: GPL-2.0 */
#include "pager/look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

ssize_t look_file(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		ssize_t n = read(fd, buf + len, size - 1 - len);

		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += n;
	}
	buf[len] = 0;
	return len;
}

bool look_threads(pid_t pid, bool (*each)(void *arg, pid_t pid, pid_t tid), void *arg)
{
	_Alignas(struct dirent64) char buf[4096];
	_cleanup_close_ int fd = -1;
	char path[32];
	long got;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && (got = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < got;) {
			const struct dirent64 *e = (const struct dirent64 *)(buf + at);
			int tid = atoi(e->d_name);

			at += e->d_reclen;
			if (tid > 0 && each(arg, pid, tid))
				return true;
		}
	return false;
}

/* The lines are longer than what is wanted of them, and there may be many. */
bool look_area(pid_t pid, uint64_t addr, uint64_t *start, uint64_t *end)
{
	_cleanup_close_ int fd = -1;
	char buf[4096], path[32];
	size_t have = 0;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (got = read(fd, buf + have, sizeof(buf) - 1 - have)) > 0) {
		char *line = buf, *eol;

		have += got;
		buf[have] = 0;
		for (; (eol = strchr(line, '\n')); line = eol + 1) {
			char *dash;

			*start = strtoull(line, &dash, 16);
			*end = *dash == '-' ? strtoull(dash + 1, NULL, 16) : 0;
			if (addr >= *start && addr < *end)
				return true;
		}
		have -= line - buf;
		if (have == sizeof(buf) - 1)
			have = 0; /* the end of a very long name */
		memmove(buf, line, have);
	}
	return false;
}
