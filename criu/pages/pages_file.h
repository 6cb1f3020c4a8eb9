/* SPDX-License-Identifier: GPL-2.0 */
/* pages-N.img as a file: naming, opening, removing. For the sinks and sources that are one. */
#ifndef CRIU_PAGES_PAGES_FILE_H
#define CRIU_PAGES_PAGES_FILE_H

#include <stdint.h>
#include <sys/stat.h>

#include "pages/sink.h"

#define PAGES_FILE_NAME 64

/* "pages-7.img": 0 or -errno. */
int pages_file_name(uint32_t pages_id, char name[PAGES_FILE_NAME]);
/*
 * Creates the file, or opens the one that is there and cuts or extends it to ARGS->size: its pages stay, since
 * memory that a file has already is filled several times faster than new one. One that somebody reads, with a shared
 * flock(2), is left to him, and a new one made. *RET_OLD is what it was before.
 * Close *RET_FD. 0 or -errno (cr_fail). O_NONBLOCK is for a FIFO of that name, which must not stop us.
 */
int pages_file_create(const struct sink_args *args, struct stat *ret_old, int *ret_fd);
/* Unlinks it. */
void pages_file_remove(const struct sink_args *args);

#endif
