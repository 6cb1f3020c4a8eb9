/* SPDX-License-Identifier: GPL-2.0 */
/* Whom what a pool is made of has to belong to: root, and be closed to all others. Nothing else is used. */
#ifndef CRIU_FAM_SECURE_H
#define CRIU_FAM_SECURE_H

#include <sys/stat.h>

#include "base/error.h"

/*
 * Of a file, directory or device: NULL when it is root's alone, else what is wrong, as in "belongs to user 7". TEXT is
 * room for that. Pure.
 */
#define FAM_FAULT_TEXT 80
const char *fam_owner_fault(const struct stat *st, char text[FAM_FAULT_TEXT]);

/* fstat(2) and the same; WHAT is the path for the message. -EPERM (cr_fail) or -errno. */
int fam_check_owner(struct cr_ctx *ctx, int fd, const char *what, struct stat *ret);

/*
 * openat(2) of a regular file or, with O_DIRECTORY, a directory that is root's alone; symbolic links aren't followed
 * and nothing is waited for. The descriptor, or -errno: all but -ENOENT explained. WHERE is DIRFD's path, for messages.
 */
int fam_open_at(struct cr_ctx *ctx, int dirfd, const char *where, const char *name, int flags);

#endif
