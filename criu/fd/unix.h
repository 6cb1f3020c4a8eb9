/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets: what their dump and restore share. unix(7). */
#ifndef CRIU_FD_UNIX_H
#define CRIU_FD_UNIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fd/sk.h"

#include "sk-unix.pb-c.h"

/* What the kernel tells of a unix socket by sock_diag(7). */
struct unix_info {
	uint32_t ino;
	uint32_t peer;	 /* 0: none, or it was closed */
	uint32_t wqueue; /* as unix_diag_rqlen.udiag_wqueue */
	uint8_t type, state, shutdown;
	bool named;
};

struct unix_infos {
	struct unix_info *v; /* ascending by inode */
	size_t nr;
};

/* unix_diag.c: all unix sockets of our network namespace. *RET->v goes with free(). 0 or -errno. */
int unix_diag_read(struct unix_infos *ret);
const struct unix_info *unix_info_find(const struct unix_infos *infos, uint32_t ino);

/* unix_restore.c */
int unix_check(struct fd_restore *restore, struct fd_file *file);
int unix_read(struct fd_restore *restore);
void unix_key(const struct fd_restore *restore, const struct fd_file *file, char *key);
int unix_open(struct fd_restore *restore, struct fd_file *file, int *ret);
void unix_open_end(struct fd_restore *restore);
void unix_free(struct fd_restore *restore);

#endif
