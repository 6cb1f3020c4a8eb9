/* SPDX-License-Identifier: GPL-2.0 */
/*
 * --inherit-fd fd[N]:KEY: criu's own descriptor N takes the place of the open files that KEY names:
 * "pipe:[inode]", "socket:[inode]", "tty[rdev:dev]" (hexadecimal) or a path with or without its first slash.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "fd/restore.h"

static int parse(struct fd_restore *restore, const char *text, struct fd_inherited *ret)
{
	char *end;
	long n;

	if (!str_starts(text, "fd[") || text[3] < '0' || text[3] > '9')
		return cr_fail(restore->ctx, -EINVAL, "--inherit-fd %s: not of the form fd[N]:KEY", text);
	errno = 0;
	n = strtol(text + 3, &end, 10);
	if (errno || n > INT32_MAX || end[0] != ']' || end[1] != ':' || !end[2])
		return cr_fail(restore->ctx, -EINVAL, "--inherit-fd %s: not of the form fd[N]:KEY", text);
	if (fcntl(n, F_GETFD) < 0)
		return cr_fail_errno(restore->ctx, -errno, "--inherit-fd %s: descriptor %ld isn't open", text, n);
	*ret = (struct fd_inherited){ .nr = n, .key = end + 2 };
	return 0;
}

int inherit_read(struct fd_restore *restore)
{
	const struct str_array *list = &restore->opts->inherit_fd;
	int r = 0;

	restore->inherited = calloc(list->nr + 1, sizeof(*restore->inherited));
	if (!restore->inherited)
		return -ENOMEM;
	for (size_t i = 0; i < list->nr && !r; i++)
		r = parse(restore, list->v[i], &restore->inherited[i]);
	return r;
}

bool inherit_has(const struct fd_restore *restore, const struct fd_file *file, int *ret_nr)
{
	char key[FD_KEY_MAX];

	if (!restore->opts->inherit_fd.nr || !file->ops->key)
		return false;
	file->ops->key(restore, file, key);
	for (size_t i = 0; i < restore->opts->inherit_fd.nr; i++) {
		struct fd_inherited *in = &restore->inherited[i];

		if (strcmp(in->key, key) && (key[0] != '/' || strcmp(in->key, key + 1)))
			continue;
		in->used = true;
		*ret_nr = in->nr;
		return true;
	}
	return false;
}

/* Of another access mode, it is opened once more. */
int inherit_open(struct fd_restore *restore, const struct fd_file *file, int nr, int *ret)
{
	int have = fcntl(nr, F_GETFL), want = fd_file_flags(file);
	char name[32];

	if (have < 0)
		return -errno;
	if (!((have ^ want) & O_ACCMODE)) {
		*ret = fcntl(nr, F_DUPFD_CLOEXEC, 0);
	} else {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", nr);
		*ret = open(name, (want & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	return *ret < 0 ? -errno : 0;
}

void inherit_end(struct fd_restore *restore)
{
	for (size_t i = 0; i < restore->opts->inherit_fd.nr; i++)
		if (!restore->inherited[i].used)
			log_warn(restore->ctx->log, "--inherit-fd %s: the images have no such file",
				 restore->opts->inherit_fd.v[i]);
}
