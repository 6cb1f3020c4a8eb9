/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/lock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"

#define LOCKS_MAX (16u << 20) /* bytes of /proc/locks */

/* proc_locks(5): "1: FLOCK  ADVISORY  WRITE 3868 00:1a:13 0 EOF"; who waits has "->" behind the number. */
pid_t fam_lock_find(const char *locks, unsigned major, unsigned minor, ino_t ino)
{
	for (const char *line = locks; line && *line; line = strchr(line, '\n'), line += !!line) {
		unsigned on_major, on_minor;
		unsigned long on_ino;
		int pid;

		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &on_major, &on_minor, &on_ino) == 4 &&
		    on_major == major && on_minor == minor && on_ino == ino)
			return pid > 0 ? pid : 0;
	}
	return 0;
}

pid_t fam_lock_holder(int fd)
{
	_cleanup_free_ char *locks = NULL;
	struct stat st;

	if (fstat(fd, &st) || read_file_at(AT_FDCWD, "/proc/locks", LOCKS_MAX, &locks, NULL))
		return 0;
	return fam_lock_find(locks, major(st.st_dev), minor(st.st_dev), st.st_ino);
}

int fam_lock_exclusive(struct cr_ctx *ctx, int fd, const char *what, unsigned wait_seconds)
{
	uint64_t end = now_us() + wait_seconds * 1000000ull;
	struct timespec pause = { .tv_nsec = 2000000 };
	pid_t pid;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return cr_fail_errno(ctx, -errno, "Can't lock %s", what);
		if (now_us() >= end) {
			pid = fam_lock_holder(fd);
			if (pid)
				return cr_fail(ctx, -EBUSY, "%s is in use by process %d", what, pid);
			return cr_fail(ctx, -EBUSY, "%s is in use by another process", what);
		}
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 50000000)
			pause.tv_nsec *= 2;
	}
	return 0;
}
