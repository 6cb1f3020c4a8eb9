/* SPDX-License-Identifier: GPL-2.0 */
/* Who reads a slot, on this host: locks of byte ranges (fcntl_locking(2), open file description locks), devices have
 * them, too. */
#include "fam/linear.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/io.h"
#include "base/str.h"

#define FDINFO_MAX (64u << 10)

static off_t slot_begin(uint32_t slot)
{
	return LINEAR_SLOTS + (off_t)slot * sizeof(struct fam_linear_slot);
}

static int set_lock(int fd, uint32_t slot, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = slot_begin(slot),
		.l_len = sizeof(struct fam_linear_slot),
	};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

int linear_lock_slot(const struct linear *linear, uint32_t slot)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	int r;

	/* An open file of its own: who inherits it has the lock, too. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", linear->medium.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = set_lock(fd, slot, F_RDLCK);
	return r ?: take_fd(fd);
}

int linear_claim_slot(const struct linear *linear, uint32_t slot)
{
	return set_lock(linear->medium.fd, slot, F_WRLCK);
}

void linear_unclaim_slot(const struct linear *linear, uint32_t slot)
{
	set_lock(linear->medium.fd, slot, F_UNLCK);
}

/* A descriptor's fdinfo has a line "lock:\t1: OFDLCK ADVISORY READ -1 00:05:77 16384 24575" of the range from BEGIN on.
 */
static bool fdinfo_locks(const char *text, const struct stat *st, off_t begin)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += !!line) {
		unsigned on_major, on_minor;
		unsigned long ino;
		long long from;

		if (sscanf(line, "lock: %*d: OFDLCK %*s READ %*d %x:%x:%lu %lld", &on_major, &on_minor, &ino, &from) ==
			    4 &&
		    on_major == major(st->st_dev) && on_minor == minor(st->st_dev) && ino == st->st_ino &&
		    from == begin)
			return true;
	}
	return false;
}

static bool process_locks(const char *pid, const struct stat *st, off_t begin)
{
	_cleanup_free_ char *path = str_printf("/proc/%s/fdinfo", pid);
	_cleanup_closedir_ DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *text = NULL;

		if (entry->d_name[0] != '.' && !read_file_at(dirfd(dir), entry->d_name, FDINFO_MAX, &text, NULL) &&
		    fdinfo_locks(text, st, begin))
			return true;
	}
	return false;
}

pid_t linear_slot_reader(const struct linear *linear, uint32_t slot)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;
	struct stat st;
	int32_t pid;

	if (!dir || fstat(linear->medium.fd, &st))
		return 0;
	while ((entry = readdir(dir)))
		if (!parse_i32(entry->d_name, 10, &pid) && process_locks(entry->d_name, &st, slot_begin(slot)))
			return pid;
	return 0;
}
