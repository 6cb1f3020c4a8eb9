/* SPDX-License-Identifier: GPL-2.0 */
#include "base/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LINE_MAX_BYTES 2048

struct log {
	int fd;
	bool borrowed; /* a standard stream: not ours to close */
	enum log_level level;
	struct timespec start;
	char prefix[32];
};

int log_open(const char *path, enum log_level level, struct log **ret)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ struct log *log = calloc(1, sizeof(*log));

	if (!log)
		return -ENOMEM;
	log->level = level;
	log->borrowed = !path || !strcmp(path, "-");
	if (log->borrowed) {
		log->fd = path ? STDOUT_FILENO : STDERR_FILENO;
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
		if (fd < 0)
			return -errno;
		/* 0 to 2 are also what restored tasks and scripts write to: keep off, should they be closed. */
		if (fd <= STDERR_FILENO) {
			int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

			if (high < 0)
				return -errno;
			close_fdp(&fd);
			fd = high;
		}
		log->fd = take_fd(fd);
	}
	clock_gettime(CLOCK_MONOTONIC, &log->start);
	*ret = take_ptr(log);
	return 0;
}

int log_split(struct log *log, const char *path)
{
	_cleanup_close_ int fd = -1;

	if (log->borrowed)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0 || dup3(fd, log->fd, O_CLOEXEC) < 0)
		return -errno;
	return 0;
}

void log_close(struct log **log)
{
	if (!*log)
		return;
	if (!(*log)->borrowed)
		close_fdp(&(*log)->fd);
	free(*log);
	*log = NULL;
}

int log_fd(const struct log *log)
{
	return log->fd;
}

void log_set_fd(struct log *log, int fd)
{
	log->fd = fd;
}

enum log_level log_get_level(const struct log *log)
{
	return log->level;
}

void log_set_prefix(struct log *log, const char *prefix)
{
	snprintf(log->prefix, sizeof(log->prefix), "%s", prefix);
}

/* How many bytes of SIZE are used after a print that returned N. */
static size_t printed(int n, size_t size)
{
	if (n < 0)
		return 0;
	return (size_t)n < size ? (size_t)n : size - 1;
}

static size_t format_head(const struct log *log, enum log_level level, const char *file, int line, char *buf,
			  size_t size)
{
	size_t len = 0;

	if (log->level >= LOG_INFO) {
		struct timespec now;
		long sec, usec;

		clock_gettime(CLOCK_MONOTONIC, &now);
		sec = now.tv_sec - log->start.tv_sec;
		usec = (now.tv_nsec - log->start.tv_nsec) / 1000;
		if (usec < 0) {
			sec--;
			usec += 1000000;
		}
		len += printed(snprintf(buf, size, "(%02ld.%06ld) ", sec, usec), size);
	}
	len += printed(snprintf(buf + len, size - len, "%s", log->prefix), size - len);
	if (level == LOG_ERROR)
		len += printed(snprintf(buf + len, size - len, "Error (%s:%d): ", file, line), size - len);
	else if (level == LOG_WARN)
		len += printed(snprintf(buf + len, size - len, "Warn  (%s:%d): ", file, line), size - len);
	return len;
}

void log_line(struct log *log, enum log_level level, const char *file, int line, const char *fmt, ...)
{
	char buf[LINE_MAX_BYTES];
	size_t len, room = sizeof(buf) - 1; /* the newline's place */
	int saved = errno;
	va_list args;

	if (!log || level > log->level)
		return;
	len = format_head(log, level, file, line, buf, room);
	va_start(args, fmt);
	len += printed(vsnprintf(buf + len, room - len, fmt, args), room - len);
	va_end(args);
	while (len && buf[len - 1] == '\n')
		len--;
	/* Names come from tasks and images: one message stays one line. */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)buf[i] < ' ' && buf[i] != '\t')
			buf[i] = '?';
	buf[len++] = '\n';
	while (write(log->fd, buf, len) < 0 && errno == EINTR)
		;
	errno = saved;
}
