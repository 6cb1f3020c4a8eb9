/* SPDX-License-Identifier: GPL-2.0 */
/* Files that a path leads to: what other kinds use of them. */
#ifndef CRIU_FD_REG_H
#define CRIU_FD_REG_H

#include "fd/ops.h"

#include "regfile.pb-c.h"

/* What the names begin with that --link-remap gives to files; a number follows. */
#define LINK_NAME "link_remap."

/* The id of the mount that DIRFD and PATH lead to (statx(2)). -1: no such file, or the kernel doesn't tell. */
int64_t reg_mount_of(int dirfd, const char *path, int flags);

bool reg_match(const struct fd_object *obj);
int reg_dump(struct fd_dump *dump, const struct fd_object *obj);

int reg_check(struct fd_restore *restore, struct fd_file *file);
void reg_key(const struct fd_restore *restore, const struct fd_file *file, char *key);
int reg_open(struct fd_restore *restore, struct fd_file *file, int *ret);
/* Opens REG's path with FLAGS (open(2)); the file is held against what the entry says of it. */
int reg_open_as(struct fd_restore *restore, struct fd_file *reg, int flags, int *ret);

#endif
