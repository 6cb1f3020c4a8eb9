/* SPDX-License-Identifier: GPL-2.0 */
/* Names of unix sockets at restore: bind(2), listen(2) and connect(2) as they were once called. unix(7). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "fd/unix.h"

static bool is_path(const UnixSkEntry *entry)
{
	return entry->name.len && entry->name.data[0];
}

int unix_name_check(struct fd_restore *restore, const struct fd_file *file)
{
	const UnixSkEntry *entry = file->entry->usk;
	const char *name = (const char *)entry->name.data;

	if (entry->name.len > UNIX_NAME_MAX)
		return fd_bad(restore, file, "too long a name");
	if (entry->state == TCP_LISTEN && (!entry->name.len || entry->type == SOCK_DGRAM))
		return fd_bad(restore, file, "no name that others could connect to");
	if (entry->state == TCP_LISTEN && entry->backlog > INT32_MAX)
		return fd_bad(restore, file, "an impossible backlog");
	if (!is_path(entry))
		return entry->name.len <= sizeof(((struct sockaddr_un *)0)->sun_path)
			       ? 0
			       : fd_bad(restore, file, "too long a name");
	if (strnlen(name, entry->name.len) != entry->name.len - 1)
		return fd_bad(restore, file, "a path that doesn't end as it should");
	if (name[0] != '/' && (!entry->name_dir || entry->name_dir[0] != '/' || strlen(entry->name_dir) >= PATH_MAX))
		return fd_bad(restore, file, "a relative path, but no directory");
	return 0;
}

socklen_t unix_address(const UnixSkEntry *entry, struct sockaddr_un *ret)
{
	size_t len = entry->name.len < sizeof(ret->sun_path) ? entry->name.len : sizeof(ret->sun_path);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, entry->name.data, len);
	return offsetof(struct sockaddr_un, sun_path) + len;
}

char *unix_path(const UnixSkEntry *entry)
{
	const char *name = (const char *)entry->name.data;

	if (!is_path(entry))
		return NULL;
	return name[0] == '/' ? strdup(name) : str_printf("%s/%s", entry->name_dir, name);
}

/* A call with the entry's address, from the directory that a relative name starts from. */
static int call_named(int (*call)(int fd, const struct sockaddr *addr, socklen_t len), const UnixSkEntry *entry, int fd)
{
	_cleanup_close_ int here = -1;
	struct sockaddr_un addr;
	socklen_t len = unix_address(entry, &addr);
	int r;

	if (is_path(entry) && addr.sun_path[0] != '/') {
		here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (here < 0 || chdir(entry->name_dir) < 0)
			return -errno;
	}
	r = call(fd, (struct sockaddr *)&addr, len) < 0 ? -errno : 0;
	if (here >= 0 && fchdir(here) < 0 && !r)
		r = -errno;
	return r;
}

/* The C library declares the two with attributes and unions of its own. */
static int call_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return bind(fd, addr, len);
}

static int call_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return connect(fd, addr, len);
}

int unix_connect(const UnixSkEntry *entry, int fd)
{
	return call_named(call_connect, entry, fd);
}

/* A datagram socket disturbs nobody: another type doesn't take it, and it sends nothing. */
int unix_path_in_use(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (file < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fd < 0)
		return -errno;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d", file);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return 1;
	return errno == ECONNREFUSED ? 0 : errno == EPROTOTYPE || errno == EPERM ? 1 : -errno;
}

static int set_perms(const char *path, const FilePermsEntry *perms)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char link[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ESTALE;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fchownat(fd, "", perms->uid, perms->gid, AT_EMPTY_PATH) < 0 || chmod(link, perms->mode & 07777) < 0)
		return -errno;
	return 0;
}

/* Nobody else may connect before the mode and the owner are right. */
static int bind_private(const UnixSkEntry *entry, int fd)
{
	mode_t mask = umask(0177);
	int r = call_named(call_bind, entry, fd);

	umask(mask);
	return r;
}

static int bind_live(struct fd_restore *restore, const struct fd_file *file, const char *path, int fd)
{
	const UnixSkEntry *entry = file->entry->usk;
	struct stat st;
	int r;

	if (!lstat(path, &st)) {
		if (!S_ISSOCK(st.st_mode))
			return cr_fail(restore->ctx, -EEXIST, "%s is there already, and isn't a socket", path);
		r = unix_path_in_use(path);
		if (r > 0)
			return cr_fail(restore->ctx, -EADDRINUSE, "%s is in use by another socket", path);
		if (!r && unlink(path) < 0)
			r = -errno;
		if (r < 0)
			return cr_fail_errno(restore->ctx, r, "Can't replace the socket %s", path);
	}
	r = bind_private(entry, fd);
	if (!r && entry->file_perms)
		r = set_perms(path, entry->file_perms);
	return r < 0 ? cr_fail_errno(restore->ctx, r, "Can't bind a unix socket (file %u) to %s", file->id, path) : 0;
}

/* What is there now makes room for a moment. */
static int bind_removed(struct fd_restore *restore, const struct fd_file *file, const char *path, int fd)
{
	_cleanup_free_ char *aside = str_printf("%s.criu-%d", path, getpid());
	bool moved;
	int r;

	if (!aside)
		return -ENOMEM;
	moved = !rename(path, aside);
	if (!moved && errno != ENOENT)
		return cr_fail_errno(restore->ctx, -errno, "Can't move %s aside", path);
	r = bind_private(file->entry->usk, fd);
	if (!r && unlink(path) < 0)
		r = -errno;
	if (moved && rename(aside, path) < 0)
		r = cr_fail_errno(restore->ctx, -errno, "Can't move %s back to %s", aside, path);
	return r < 0 ? cr_fail_errno(restore->ctx, r, "Can't bind a unix socket (file %u) to the deleted %s", file->id,
				     path)
		     : 0;
}

int unix_bind(struct fd_restore *restore, const struct fd_file *file, int fd, bool removed)
{
	const UnixSkEntry *entry = file->entry->usk;
	_cleanup_free_ char *path = unix_path(entry);
	int r;

	if (!is_path(entry)) {
		r = call_named(call_bind, entry, fd);
		return r < 0 ? cr_fail_errno(restore->ctx, r,
					     "Can't bind a unix socket (file %u) to the abstract name @%.*s", file->id,
					     (int)entry->name.len - 1, (char *)entry->name.data + 1)
			     : 0;
	}
	if (!path)
		return -ENOMEM;
	return removed ? bind_removed(restore, file, path, fd) : bind_live(restore, file, path, fd);
}

/* ---- as another user ----------------------------------------------------------------------------------------- */

struct before {
	uid_t uid;
	gid_t gid;
	bool changed;
};

static int become(const struct fd_file *file, struct before *ret)
{
	const SkExtraPeer *peer = file->sk_extra ? file->sk_extra->peer : NULL;

	*ret = (struct before){ geteuid(), getegid(), false };
	if (!peer || (peer->uid == ret->uid && peer->gid == ret->gid))
		return 0;
	ret->changed = true;
	return setresgid(-1, peer->gid, -1) < 0 || setresuid(-1, peer->uid, -1) < 0 ? -errno : 0;
}

static int become_again(const struct before *before)
{
	if (!before->changed)
		return 0;
	if (setresuid(-1, before->uid, -1) < 0 || setresgid(-1, before->gid, -1) < 0)
		return -errno;
	prctl(PR_SET_DUMPABLE, 1); /* lost by the change; /proc/self is needed on */
	return 0;
}

int unix_listen(const struct fd_file *file, int fd)
{
	struct before before;
	int r = become(file, &before), back;

	if (!r && listen(fd, file->entry->usk->backlog) < 0)
		r = -errno;
	back = become_again(&before);
	return r ?: back;
}

int unix_pair(const struct fd_file *file, int ends[2])
{
	struct before before;
	int r = become(file, &before), back;

	if (!r && socketpair(AF_UNIX, file->entry->usk->type | SOCK_CLOEXEC, 0, ends) < 0)
		r = -errno;
	back = become_again(&before);
	if (!r && back < 0) {
		close(ends[0]);
		close(ends[1]);
	}
	return r ?: back;
}
