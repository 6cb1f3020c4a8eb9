/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names that are there for a moment only, and go even if we are killed in that moment: those of deleted files while
 * they are restored, and the pid file until the tasks run. A file appears at its name complete, never in the place of
 * another one.
 */
#ifndef CRIU_FD_GHOST_NAMES_H
#define CRIU_FD_GHOST_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ghost_names;

/* Starts a process that watches over us; the caller ends it by ghost_names_end(). 0 or -errno, explained. */
int ghost_names_begin(struct cr_ctx *ctx, struct ghost_names **ret);
/* They stay once *FLAG, which lives as long as NAMES, is set. */
void ghost_names_keep_when(struct ghost_names *names, const uint32_t *flag);
/* Removes what is left (unless it is to be kept), ends the watcher. *NAMES becomes NULL. */
void ghost_names_end(struct ghost_names **names);

/*
 * MAKE makes a file (DIR: a directory) at the path that it is given, beside PATH; if it fails it may leave one. Then
 * the file is moved to PATH. 0, -EEXIST if there is something, or -errno.
 */
int ghost_names_make(struct ghost_names *names, const char *path, bool dir, int (*make)(void *arg, const char *path),
		     void *arg);
/* A further name, PATH, of the file FIRST: link(2). 0, -EEXIST or -errno. */
int ghost_names_link(struct ghost_names *names, const char *first, const char *path);

/* How many names there are. */
size_t ghost_names_count(const struct ghost_names *names);
/* Removes names, the latest first, until KEEP are left. */
void ghost_names_remove(struct ghost_names *names, size_t keep);

#endif
