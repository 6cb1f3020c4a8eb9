/* SPDX-License-Identifier: GPL-2.0 */
#include "base/io.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/cleanup.h"

int read_full(int fd, void *buf, size_t len)
{
	char *at = buf;

	while (len) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		at += n;
		len -= n;
	}
	return 0;
}

int pread_full(int fd, void *buf, size_t len, off_t offset)
{
	char *at = buf;

	while (len) {
		ssize_t n = pread(fd, at, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		at += n;
		offset += n;
		len -= n;
	}
	return 0;
}

int write_full(int fd, const void *buf, size_t len)
{
	const char *at = buf;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= n;
	}
	return 0;
}

int pwrite_full(int fd, const void *buf, size_t len, off_t offset)
{
	const char *at = buf;

	while (len) {
		ssize_t n = pwrite(fd, at, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		offset += n;
		len -= n;
	}
	return 0;
}

int read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *buf = NULL;
	size_t len = 0, size = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		/* Room for one byte more than allowed, to tell a file that is too long, and for the NUL. */
		if (size - len < 2) {
			size_t grown = size ? size * 2 : 4096;
			char *p;

			if (grown > max + 2)
				grown = max + 2;
			if (grown - len < 2)
				return -EFBIG;
			p = realloc(buf, grown);
			if (!p)
				return -ENOMEM;
			buf = p;
			size = grown;
		}
		n = read(fd, buf + len, size - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += n;
		if (len > max)
			return -EFBIG;
	}
	buf[len] = '\0';
	*ret = take_ptr(buf);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int write_file_at(int dirfd, const char *path, const void *buf, size_t len)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);

	if (fd < 0)
		return -errno;
	return write_full(fd, buf, len);
}

int read_link_at(int dirfd, const char *path, char **ret)
{
	for (size_t size = 256;; size *= 2) {
		_cleanup_free_ char *buf = malloc(size);
		ssize_t n;

		if (!buf)
			return -ENOMEM;
		n = readlinkat(dirfd, path, buf, size);
		if (n < 0)
			return -errno;
		if ((size_t)n < size) {
			buf[n] = '\0';
			*ret = take_ptr(buf);
			return 0;
		}
	}
}

int sync_dir(int dirfd)
{
	return fsync(dirfd) < 0 ? -errno : 0;
}

int fd_move_high(int fd, int from)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, from);

	if (high < 0)
		return -errno;
	close(fd);
	return high;
}

int fd_limit_raise(struct rlimit *ret_before)
{
	struct rlimit limit;

	*ret_before = (struct rlimit){ 0 };
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	*ret_before = limit;
	if (limit.rlim_cur == limit.rlim_max)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
