/* SPDX-License-Identifier: GPL-2.0 */
/* Who uses a pool on this host: flock(2), which goes with the process that took it. */
#ifndef CRIU_FAM_LOCK_H
#define CRIU_FAM_LOCK_H

#include <sys/types.h>

#include "base/error.h"

/*
 * LOCK_EX on FD's file, waiting up to WAIT_SECONDS. 0; -EBUSY (cr_fail names WHAT and the process that has it); -errno.
 */
int fam_lock_exclusive(struct cr_ctx *ctx, int fd, const char *what, unsigned wait_seconds);
/* A process that has a flock(2) on FD's file, by /proc/locks; 0: can't be told. */
pid_t fam_lock_holder(int fd);
/* The same of the text of a /proc/locks, for the file INO on the device MAJOR:MINOR. Pure. */
pid_t fam_lock_find(const char *locks, unsigned major, unsigned minor, ino_t ino);

#endif
