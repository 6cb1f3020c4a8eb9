/* SPDX-License-Identifier: GPL-2.0 */
#include "fd/ghost_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "base/watcher.h"

/* Stands in the list before anything is made, so that the watcher knows of all there can be. */
struct ghost_name {
	struct ghost_name *next; /* made before it */
	char *temporary;	 /* nobody else has such a name; NULL: there is none */
	char *path;
	bool dir, known;
	dev_t dev; /* once KNOWN: what is at PATH is ours if it is this file */
	ino_t ino;
};

struct ghost_names {
	struct cr_ctx *ctx;
	struct ghost_name *last;
	size_t nr;
	const uint32_t *keep; /* NULL, or set when the names shall stay */
	struct watcher *watcher;
};

/* 0, -ENOENT if it isn't there any more, or -errno. */
static int remove_name(const struct ghost_name *name)
{
	int flags = name->dir ? AT_REMOVEDIR : 0;
	struct stat st;

	if (name->temporary)
		unlinkat(AT_FDCWD, name->temporary, flags);
	if (!name->known)
		return 0;
	if (fstatat(AT_FDCWD, name->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (st.st_dev != name->dev || st.st_ino != name->ino)
		return -ENOENT;
	return unlinkat(AT_FDCWD, name->path, flags) < 0 ? -errno : 0;
}

static bool are_kept(const struct ghost_names *names)
{
	return names->keep && __atomic_load_n(names->keep, __ATOMIC_ACQUIRE);
}

static void remove_all(void *arg)
{
	const struct ghost_names *names = arg;

	for (const struct ghost_name *name = names->last; name && !are_kept(names); name = name->next)
		remove_name(name);
}

int ghost_names_begin(struct cr_ctx *ctx, struct ghost_names **ret)
{
	struct ghost_names *names = calloc(1, sizeof(*names));
	int r;

	if (!names)
		return -ENOMEM;
	names->ctx = ctx;
	r = watcher_start(ctx, remove_all, names, &names->watcher);
	if (r < 0) {
		free(names);
		return r;
	}
	*ret = names;
	return 0;
}

void ghost_names_keep_when(struct ghost_names *names, const uint32_t *flag)
{
	names->keep = flag;
}

void ghost_names_end(struct ghost_names **namesp)
{
	struct ghost_names *names = *namesp;

	if (!names)
		return;
	ghost_names_remove(names, 0);
	watcher_end(&names->watcher);
	free(names);
	*namesp = NULL;
}

static void forget_last(struct ghost_names *names)
{
	struct ghost_name *name = names->last;

	__atomic_store_n(&names->last, name->next, __ATOMIC_RELEASE);
	names->nr--;
	free(name->temporary);
	free(name->path);
	free(name);
}

void ghost_names_remove(struct ghost_names *names, size_t keep)
{
	while (names->nr > keep) {
		int r = are_kept(names) ? 0 : remove_name(names->last);

		if (r < 0)
			log_warn(names->ctx->log, "Can't remove %s again: %s", names->last->path, strerror(-r));
		forget_last(names);
	}
}

size_t ghost_names_count(const struct ghost_names *names)
{
	return names->nr;
}

static struct ghost_name *add_name(struct ghost_names *names, const char *path, bool dir)
{
	struct ghost_name *name = calloc(1, sizeof(*name));

	if (!name)
		return NULL;
	name->path = strdup(path);
	if (!name->path) {
		free(name);
		return NULL;
	}
	name->dir = dir;
	name->next = names->last;
	__atomic_store_n(&names->last, name, __ATOMIC_RELEASE);
	names->nr++;
	return name;
}

static int know(struct ghost_name *name, const char *where)
{
	struct stat st;

	if (fstatat(AT_FDCWD, where, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	name->dev = st.st_dev;
	name->ino = st.st_ino;
	__atomic_store_n(&name->known, true, __ATOMIC_RELEASE);
	return 0;
}

/* Never over something else. Some file systems can only do that by link(2), which directories don't have. */
static int move_into_place(const struct ghost_name *name)
{
	if (!renameat2(AT_FDCWD, name->temporary, AT_FDCWD, name->path, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (name->dir)
		return rename(name->temporary, name->path) < 0 ? -errno : 0;
	if (linkat(AT_FDCWD, name->temporary, AT_FDCWD, name->path, 0) < 0)
		return -errno;
	return unlink(name->temporary) < 0 ? -errno : 0;
}

int ghost_names_make(struct ghost_names *names, const char *path, bool dir, int (*make)(void *arg, const char *path),
		     void *arg)
{
	const char *slash = strrchr(path, '/');
	struct ghost_name *name = add_name(names, path, dir);
	struct stat st;
	char *temporary;
	int r = 0;

	if (!name)
		return -ENOMEM;
	/* Not to copy much data in vain. */
	if (!fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW))
		r = -EEXIST;
	temporary = str_printf("%.*s/.criu-%d-%lx", (int)(slash ? slash - path : 0), path, getpid(), now_us());
	if (!r && !temporary)
		r = -ENOMEM;
	if (!r && !fstatat(AT_FDCWD, temporary, &st, AT_SYMLINK_NOFOLLOW))
		r = -EBUSY;
	if (r < 0) {
		free(temporary);
		forget_last(names);
		return r;
	}
	__atomic_store_n(&name->temporary, temporary, __ATOMIC_RELEASE);
	r = make(arg, temporary);
	if (!r)
		r = know(name, temporary);
	if (!r)
		r = move_into_place(name);
	if (r < 0) {
		remove_name(name);
		forget_last(names);
		return r;
	}
	__atomic_store_n(&name->temporary, NULL, __ATOMIC_RELEASE);
	free(temporary);
	return 0;
}

int ghost_names_link(struct ghost_names *names, const char *first, const char *path)
{
	struct ghost_name *name;
	struct stat st;
	int r;

	/* It might be another name of the same file that isn't ours. */
	if (!fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	name = add_name(names, path, false);
	if (!name)
		return -ENOMEM;
	r = know(name, first);
	if (!r)
		r = linkat(AT_FDCWD, first, AT_FDCWD, path, 0) < 0 ? -errno : 0;
	if (r < 0)
		forget_last(names);
	return r;
}
