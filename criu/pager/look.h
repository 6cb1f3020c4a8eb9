/* SPDX-License-Identifier: GPL-2.0 */
/* Looks at small things in /proc, without malloc(3). Inner to pager/. */
#ifndef CRIU_PAGER_LOOK_H
#define CRIU_PAGER_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The start of a file, NUL-ended; bytes without the NUL, or -errno. */
ssize_t look_file(const char *path, char *buf, size_t size);
/* Calls EACH for every thread of PID until one returns true; that. */
bool look_threads(pid_t pid, bool (*each)(void *arg, pid_t pid, pid_t tid), void *arg);
/* The area of PID that ADDR is in. */
bool look_area(pid_t pid, uint64_t addr, uint64_t *start, uint64_t *end);

#endif
