/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets: what their dump and restore share. unix(7). */
#ifndef CRIU_FD_UNIX_H
#define CRIU_FD_UNIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/un.h>

#include "fd/sk.h"

#include "sk-unix.pb-c.h"

#define UNIX_NAME_MAX 109 /* sun_path, and a NUL where it has none */

/* What the kernel tells of a unix socket by sock_diag(7). */
struct unix_info {
	uint32_t ino;
	uint32_t peer;	 /* 0: none, it was closed, or it isn't accepted yet */
	uint32_t wqueue; /* as unix_diag_rqlen.udiag_wqueue: of one that listens, the backlog */
	uint8_t type, state, shutdown, name_len;
	char name[UNIX_NAME_MAX];
};

/* A connection that waits to be accepted. */
struct unix_waiting {
	uint32_t listener, client; /* inodes; client 0: it was closed */
};

struct unix_infos {
	struct unix_info *v; /* ascending by inode */
	size_t nr;
	struct unix_waiting *waiting; /* those of a listener in its order */
	size_t nr_waiting;
};

/* unix_diag.c: all unix sockets of our network namespace. *RET goes with unix_infos_free(). 0 or -errno. */
int unix_diag_read(struct unix_infos *ret);
void unix_infos_free(struct unix_infos *infos);
const struct unix_info *unix_info_find(const struct unix_infos *infos, uint32_t ino);

/* unix_name.c: what the image says of the file that a socket's name leads to. */
struct unix_file {
	FilePermsEntry perms;
	char *dir; /* of a relative name; owned */
	bool has_perms, deleted;
};

static inline void unix_file_free(struct unix_file *file)
{
	free(file->dir);
}

/* OBJ's NAME, of LEN bytes, leads to RET; nothing for an abstract name. 0 or -errno, said. */
int unix_file_find(struct fd_dump *dump, const struct fd_object *obj, const char *name, size_t len,
		   struct unix_file *ret);

/* unix_bind.c */

/* Are the name and what belongs to it possible? 0 or -errno, said. */
int unix_name_check(struct fd_restore *restore, const struct fd_file *file);
/* An address of the entry's name; its length. */
socklen_t unix_address(const UnixSkEntry *entry, struct sockaddr_un *ret);
/* The path of the socket's file, allocated; NULL: it has none, or no memory. */
char *unix_path(const UnixSkEntry *entry);
/* Is a socket of any kind bound to PATH? 0: no, or nothing is there; 1: yes; -errno. */
int unix_path_in_use(const char *path);
/*
 * Gives FD the name of FILE. A dead socket's file in its place is replaced. REMOVED: the socket's own is removed at
 * once, and what stands in its place stays.
 */
int unix_bind(struct fd_restore *restore, const struct fd_file *file, int fd, bool removed);
/* connect(2) to the socket that has the name of ENTRY. 0 or -errno. */
int unix_connect(const UnixSkEntry *entry, int fd);
/* listen(2) as the user whom clients are to see. 0 or -errno. */
int unix_listen(const struct fd_file *file, int fd);
/* socketpair(2) as the user whom both ends are to see. 0 or -errno. */
int unix_pair(const struct fd_file *file, int ends[2]);

/* unix_make.c: all sockets but unnamed pairs, in the order that they need; into fds of unix_restore. */
int unix_make_all(struct fd_restore *restore);

/* unix_restore.c */
struct unix_restore {
	struct sk_queues queues;
	struct pair_map by_ino;	 /* to file ids */
	struct pair_map made;	 /* file ids to descriptors: made and not asked for yet */
	struct pair_map present; /* file ids whose path was there before the restore */
	bool all_made;
};

struct unix_restore *unix_state_of(struct fd_restore *restore);
/* The peer's file, or NULL. */
struct fd_file *unix_peer_of(struct fd_restore *restore, const struct fd_file *file);
/* Is PEER connected to FILE, too? */
bool unix_is_mutual(const struct fd_file *file, const struct fd_file *peer);
/* Fills the queues of FILE and its PEER (NULL: it was closed), sets their options. */
int unix_fill_pair(struct fd_restore *restore, struct fd_file *file, int fd, struct fd_file *peer, int peer_fd);
/* Keeps FD for when FILE is opened. */
int unix_keep(struct fd_restore *restore, const struct fd_file *file, int fd);
int unix_check(struct fd_restore *restore, struct fd_file *file);
int unix_read(struct fd_restore *restore);
void unix_key(const struct fd_restore *restore, const struct fd_file *file, char *key);
int unix_open(struct fd_restore *restore, struct fd_file *file, int *ret);
void unix_open_end(struct fd_restore *restore);
int unix_task(struct fd_restore *restore, const struct fd_table *table, pid_t pid, pid_t sid);
void unix_undo(struct fd_restore *restore);
void unix_free(struct fd_restore *restore);

#endif
