/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets at restore: pairs are made anew, and what one end hasn't received the other one sends. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/registry.h"
#include "fd/unix.h"

struct unix_restore {
	struct sk_queues queues;
	struct pair_map by_ino; /* to file ids */
	struct pair_map made;	/* file ids to descriptors: made with their peers, not asked for yet */
};

static struct unix_restore *state_of(struct fd_restore *restore)
{
	return fd_restore_state(restore, &unix_ops, sizeof(struct unix_restore));
}

static struct fd_file *peer_of(struct fd_restore *restore, const struct fd_file *file)
{
	uint64_t *id = pair_map_find(&state_of(restore)->by_ino, file->entry->usk->peer, 0);

	return id ? fd_file_find(restore, *id) : NULL;
}

int unix_check(struct fd_restore *restore, struct fd_file *file)
{
	const UnixSkEntry *entry = file->entry->usk;
	struct unix_restore *state = state_of(restore);
	uint64_t *id;
	bool is_new;
	int r;

	if (!state)
		return -ENOMEM;
	if (entry->type != SOCK_STREAM && entry->type != SOCK_DGRAM && entry->type != SOCK_SEQPACKET)
		return fd_bad(restore, file, "an unknown type");
	if (entry->name.len || entry->state == TCP_LISTEN)
		return cr_fail(restore->ctx, -EOPNOTSUPP,
			       "files.img: file %u: a unix socket with a name isn't supported", file->id);
	if (entry->state != TCP_ESTABLISHED && entry->state != TCP_CLOSE)
		return fd_bad(restore, file, "an unknown state");
	if (entry->has_shutdown && entry->shutdown > 3)
		return fd_bad(restore, file, "an unknown shutdown");
	r = sk_opts_check(restore, file, entry->opts);
	if (!r)
		r = pair_map_get(&state->by_ino, entry->ino, 0, &id, &is_new);
	if (r < 0)
		return r;
	if (!is_new || !entry->ino)
		return fd_bad(restore, file, "the inode of another socket");
	*id = file->id;
	return 0;
}

/* Made as one of a pair, whose other end may have been closed. */
static bool is_connected(const UnixSkEntry *entry)
{
	return entry->peer || entry->state == TCP_ESTABLISHED;
}

int unix_read(struct fd_restore *restore)
{
	int r = state_of(restore) ? sk_queues_read(restore, &state_of(restore)->queues) : -ENOMEM;

	for (size_t i = 0; i < restore->nr_files && !r; i++) {
		const struct fd_file *file = &restore->files[i], *peer;

		if (file->ops != &unix_ops)
			continue;
		if (!is_connected(file->entry->usk) && sk_queue_has(&state_of(restore)->queues, file->id))
			r = cr_fail(restore->ctx, -EOPNOTSUPP,
				    "sk-queues.img: file %u: packets for a unix socket that isn't connected aren't "
				    "supported",
				    file->id);
		if (!file->entry->usk->peer)
			continue;
		peer = peer_of(restore, file);
		if (!peer || peer == file || peer->entry->usk->peer != file->entry->usk->ino ||
		    peer->entry->usk->type != file->entry->usk->type)
			r = cr_fail(restore->ctx, -EOPNOTSUPP,
				    "files.img: file %u: a unix socket connected to one outside isn't supported",
				    file->id);
	}
	return r;
}

void unix_key(const struct fd_restore *restore, const struct fd_file *file, char *key)
{
	snprintf(key, FD_KEY_MAX, "socket:[%u]", file->entry->usk->ino);
}

/* PEER is NULL if the other end was closed. */
static int fill_pair(struct fd_restore *restore, struct fd_file *file, int fd, struct fd_file *peer, int peer_fd)
{
	const struct sk_queues *queues = &state_of(restore)->queues;
	int r = sk_queue_fill(restore, queues, file->id, peer_fd);

	if (!r)
		r = sk_opts_restore(restore, file, fd, file->entry->usk->opts);
	if (!peer || r < 0)
		return r;
	r = sk_queue_fill(restore, queues, peer->id, fd);
	if (!r) /* again, for the buffer was raised */
		r = sk_opts_restore(restore, file, fd, file->entry->usk->opts);
	if (!r)
		r = sk_opts_restore(restore, peer, peer_fd, peer->entry->usk->opts);
	if (!r)
		r = sk_shut_down(fd, file->entry->usk->shutdown);
	if (!r)
		r = sk_shut_down(peer_fd, peer->entry->usk->shutdown);
	return r;
}

static int open_pair(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	struct fd_file *peer = file->entry->usk->peer ? peer_of(restore, file) : NULL;
	_cleanup_close_ int fd = -1, peer_fd = -1;
	uint64_t *made;
	bool is_new;
	int ends[2], r;

	if (socketpair(AF_UNIX, file->entry->usk->type | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	fd = ends[0];
	peer_fd = ends[1];
	r = fill_pair(restore, file, fd, peer, peer_fd);
	if (!r && peer) {
		r = pair_map_get(&state_of(restore)->made, peer->id, 0, &made, &is_new);
		if (!r)
			*made = take_fd(peer_fd);
	}
	if (!r)
		*ret = take_fd(fd);
	return r;
}

int unix_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	const UnixSkEntry *entry = file->entry->usk;
	uint64_t *made = pair_map_find(&state_of(restore)->made, file->id, 0);
	int r;

	if (made) {
		*ret = *made;
		*made = UINT64_MAX;
		return 0;
	}
	if (is_connected(entry))
		return open_pair(restore, file, ret);
	*ret = socket(AF_UNIX, entry->type | SOCK_CLOEXEC, 0);
	if (*ret < 0)
		return -errno;
	r = sk_opts_restore(restore, file, *ret, entry->opts);
	if (!r)
		r = sk_shut_down(*ret, entry->shutdown);
	if (r < 0)
		close(*ret);
	return r;
}

/* After an error peers may be left that nobody asked for. */
void unix_open_end(struct fd_restore *restore)
{
	for (size_t i = 0; i < restore->nr_files; i++) {
		uint64_t *made = pair_map_find(&state_of(restore)->made, restore->files[i].id, 0);

		if (made && *made != UINT64_MAX)
			close(*made);
	}
	pair_map_free(&state_of(restore)->made);
}

void unix_free(struct fd_restore *restore)
{
	struct unix_restore *state = state_of(restore);

	sk_queues_free(&state->queues);
	pair_map_free(&state->by_ino);
	pair_map_free(&state->made);
}
