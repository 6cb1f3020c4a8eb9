/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets: what their dump and restore share. unix(7). */
#ifndef CRIU_FD_UNIX_H
#define CRIU_FD_UNIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fd/dump.h"
#include "fd/restore.h"

#include "sk-opts.pb-c.h"
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

/* sk_opts.c: options of a socket of any family, as getsockopt(2) tells them. */
int sk_opts_dump(struct fd_dump *dump, const struct fd_object *obj, SkOptsEntry *ret);
/* Sets those that differ. Buffer sizes may have been raised for filling queues. */
int sk_opts_restore(struct fd_restore *restore, int fd, const SkOptsEntry *opts);

/* sk_queue.c: a packet, or a run of a stream's bytes, that waits to be received. */
struct sk_packet {
	uint32_t id_for; /* the file that is to receive it */
	size_t order;
	char *data;
	uint32_t len;
};

struct sk_queues {
	struct sk_packet *v; /* ascending by file, then as sent */
	size_t nr;
};

/* Appends what OBJ, a socket of TYPE (SOCK_STREAM...), hasn't received yet to sk-queues.img; it keeps it. */
int sk_queue_dump(struct fd_dump *dump, const struct fd_object *obj, int type, bool at_end);
/* Refuses OBJ, a packet socket that nobody is connected to, if it has something to receive. */
int sk_queue_refuse(struct fd_dump *dump, const struct fd_object *obj, bool at_end);
int sk_queues_read(struct fd_restore *restore, struct sk_queues *queues);
/* Sends what is for the file ID through the socket FD. */
int sk_queue_fill(struct fd_restore *restore, const struct sk_queues *queues, uint32_t id, int fd);
/* Is there anything for the file ID? */
bool sk_queue_has(const struct sk_queues *queues, uint32_t id);
void sk_queues_free(struct sk_queues *queues);

/* unix_restore.c */
int unix_check(struct fd_restore *restore, struct fd_file *file);
int unix_read(struct fd_restore *restore);
void unix_key(const struct fd_restore *restore, const struct fd_file *file, char *key);
int unix_open(struct fd_restore *restore, struct fd_file *file, int *ret);
void unix_open_end(struct fd_restore *restore);
void unix_free(struct fd_restore *restore);

#endif
