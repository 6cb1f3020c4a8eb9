/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The log. Errors are not logged where they happen: see base/error.h. What is logged
 * here are warnings (something was left out or will differ) and progress for a reader of -v3 and -v4.
 *
 * Line forms, which tools look for: "Error (file:line): ", "Warn  (file:line): ", and
 * "(SS.UUUUUU) " in front of every line from level 3 on.
 */
#ifndef CRIU_BASE_LOG_H
#define CRIU_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/cleanup.h"

enum log_level {
	LOG_MSG = 0, /* always, without a mark */
	LOG_ERROR = 1,
	LOG_WARN = 2, /* the default */
	LOG_INFO = 3,
	LOG_DEBUG = 4,
};

/* One log, shared by every process of one dump or restore (each line is one write). */
struct log;

/*
 * Opens the log. PATH is relative to the current directory; NULL or "-" is standard error / standard output.
 * The file is truncated in place, never replaced, mode 0600.
 * Returns 0 or -errno; the caller ends it with log_close().
 */
int log_open(const char *path, enum log_level level, struct log **ret);
void log_close(struct log **log);
/* The descriptor the log writes to, for a process that must keep it open; and its move to another number. */
int log_fd(const struct log *log);
void log_set_fd(struct log *log, int fd);
enum log_level log_get_level(const struct log *log);
/*
 * From now on this process logs to PATH, under the number that log_fd() has; the others go on with what they had.
 * For --log-pid. 0 or -errno; nothing happens to a log that is a standard stream.
 */
int log_split(struct log *log, const char *path);
/* What every following line of this process starts with ("pid: "), for --log-pid and restored tasks. */
void log_set_prefix(struct log *log, const char *prefix);

void log_line(struct log *log, enum log_level level, const char *file, int line, const char *fmt, ...) __printf(5, 6);

#define log_msg(log, ...)   log_line(log, LOG_MSG, __FILE__, __LINE__, __VA_ARGS__)
#define log_warn(log, ...)  log_line(log, LOG_WARN, __FILE__, __LINE__, __VA_ARGS__)
#define log_info(log, ...)  log_line(log, LOG_INFO, __FILE__, __LINE__, __VA_ARGS__)
#define log_debug(log, ...) log_line(log, LOG_DEBUG, __FILE__, __LINE__, __VA_ARGS__)

#endif
