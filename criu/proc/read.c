/* SPDX-License-Identifier: GPL-2.0 */
/* Whole /proc files. */
#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "proc/parse.h"

/* A file whose size nobody knows: what most tasks' files fit into. */
#define FIRST_SIZE (16 << 10)

/* Reads to the end of the file or of the buffer: the count, or -errno. */
static ssize_t fill(int fd, char *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, buf + done, size - done);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		done += n;
	}
	return done;
}

int proc_read_text(int procfd, const char *path, size_t max, char **ret, size_t *len)
{
	_cleanup_close_ int fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *buf = NULL;
	size_t size = FIRST_SIZE, done = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		char *more = realloc(buf, size + 1);
		ssize_t n;

		if (!more)
			return -ENOMEM;
		buf = more;
		n = fill(fd, buf + done, size - done);
		if (n < 0)
			return n;
		done += n;
		if (done < size)
			break;
		if (done > max)
			return -EFBIG;
		size *= 2;
	}
	if (done > max)
		return -EFBIG;
	buf[done] = '\0';
	*ret = take_ptr(buf);
	*len = done;
	return 0;
}

int proc_read_small(int procfd, const char *path, char *buf, size_t size, size_t *len)
{
	_cleanup_close_ int fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = fill(fd, buf, size);
	if (n < 0)
		return n;
	if ((size_t)n == size)
		return -EBADMSG;
	buf[n] = '\0';
	*len = n;
	return 0;
}
