/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Captured /proc/PID trees, test/unit/proc/data/KERNEL, of one process (6.1 is what that kernel would have
 * written of the process captured on 6.18). Its name is "a) (b\nc \\d"; it has three threads, two
 * children, one of them a zombie (captured too), and holds an eventfd (4), timerfd (5), signalfd (6), epoll (7) and
 * inotify descriptor (8), POSIX timers, and areas of every common kind.
 */
#ifndef TEST_UNIT_PROC_TREE_H
#define TEST_UNIT_PROC_TREE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

static const char *const trees[] = { "6.1", "6.18" };
#define NR_TREES (sizeof(trees) / sizeof(trees[0]))

static inline int tree_open(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "test/unit/proc/data/%s", name);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s (tests run in the top directory)", path, strerror(errno));
	return fd;
}

/* The whole of a captured file. Free with free(). */
static inline char *tree_text(int dir, const char *path, size_t *len)
{
	char *text;

	assert_int_equal(read_file_at(dir, path, 1 << 20, &text, len), 0);
	return text;
}

/*
 * Gives PARSE the text cut off everywhere and with each byte changed in several ways: it has to say 0 or -EBADMSG
 * (and its memory checker nothing). Each text stands in a block of its exact size. How many were taken as valid.
 */
static inline size_t mutate(const char *text, size_t len, int (*parse)(const char *text, size_t len))
{
	static const unsigned char change[] = { 0x01, 0x10, 0x80, 0xff };
	size_t nr_valid = 0;

	for (size_t i = 0; i < len; i++) {
		for (size_t k = 0; k <= sizeof(change); k++) {
			size_t size = k ? len : i;
			char *copy = malloc(size + 1);
			int err;

			assert_non_null(copy);
			memcpy(copy, text, size);
			copy[size] = '\0';
			if (k)
				copy[i] ^= change[k - 1];
			err = parse(copy, size);
			if (err != 0 && err != -EBADMSG)
				fail_msg("byte %zu, change %zu: %d", i, k, err);
			nr_valid += !err;
			free(copy);
		}
	}
	return nr_valid;
}

#endif
