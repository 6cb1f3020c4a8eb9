/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets: what the families share: options, queues, and the image of our own. socket(7). */
#ifndef CRIU_FD_SK_H
#define CRIU_FD_SK_H

#include "fd/dump.h"
#include "fd/restore.h"

#include "sk-extra.pb-c.h"
#include "sk-opts.pb-c.h"

/* sk_opts.c: options of a socket of any family, as getsockopt(2) tells them. */

/* An integer option; bytes that the kernel doesn't write are 0. 0 or -errno. */
int sk_get_number(int fd, int level, int name, int *ret);
/* Did getsockopt(2) say that this kernel, or this kind of socket, has no such option? */
bool sk_option_is_unknown(int r);
/* The domain of a socket (AF_UNIX...), or -1: FD isn't one. */
int sk_domain(int fd);
/* Refuses OBJ if it belongs to another network namespace than ours. 0 or -errno. */
int sk_check_namespace(struct fd_dump *dump, const struct fd_object *obj);

/* The options at the socket level, and in sk-extra.img what they have no room for. *RET goes with sk_opts_free(). */
int sk_opts_dump(struct fd_dump *dump, const struct fd_object *obj, SkOptsEntry *ret);
void sk_opts_free(SkOptsEntry *opts);
#define _cleanup_sk_opts_ __cleanup(sk_opts_free)
/* Are the values possible? 0 or -errno, said. */
int sk_opts_check(struct fd_restore *restore, const struct fd_file *file, const SkOptsEntry *opts);
/* Sets those that differ, and FILE's in sk-extra.img. Buffer sizes may have been raised for filling queues. */
int sk_opts_restore(struct fd_restore *restore, const struct fd_file *file, int fd, const SkOptsEntry *opts);
/* shutdown(2) as the member `shutdown` of an entry has it; a socket that was never connected takes it, too. */
int sk_shut_down(int fd, SkShutdown how);

/* sk_extra.c: sk-extra.img */

/* Unix sockets have some more. */
struct sk_unix_extra {
	SkExtraPeer *peer;
	uint32_t *waiting;
	size_t nr_waiting;
};

/* Writes what is special about OBJ; WAS_CONNECTED: it is or was the end of a TCP connection. OF_UNIX may be NULL. */
int sk_extra_dump(struct fd_dump *dump, const struct fd_object *obj, bool was_connected,
		  const struct sk_unix_extra *of_unix);
/* Gives each file its entry, fd_file.sk_extra. 0 or -errno. */
int sk_extra_read(struct fd_restore *restore);
int sk_extra_restore(struct fd_restore *restore, const struct fd_file *file, int fd);

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

/* The name of the only one who may have sent packets; NULL and 0: one without a name. */
struct sk_sender {
	const char *name;
	size_t len;
};

/*
 * Appends what OBJ, a socket of TYPE (SOCK_STREAM...), hasn't received yet to sk-queues.img; it keeps it. AT_END:
 * nothing more can come. Packets of another than SENDER are refused.
 */
int sk_queue_dump(struct fd_dump *dump, const struct fd_object *obj, int type, bool at_end,
		  const struct sk_sender *sender);
int sk_queues_read(struct fd_restore *restore, struct sk_queues *queues);
/* Sends what is for the file ID through the socket FD. */
int sk_queue_fill(struct fd_restore *restore, const struct sk_queues *queues, uint32_t id, int fd);
/* Is there anything for the file ID? */
bool sk_queue_has(const struct sk_queues *queues, uint32_t id);
void sk_queues_free(struct sk_queues *queues);

#endif
