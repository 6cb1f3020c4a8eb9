/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets at restore: checks, and pairs without names: what one end hasn't received the other one sends. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/registry.h"
#include "fd/unix.h"

struct unix_restore *unix_state_of(struct fd_restore *restore)
{
	return fd_restore_state(restore, &unix_ops, sizeof(struct unix_restore));
}

struct fd_file *unix_peer_of(struct fd_restore *restore, const struct fd_file *file)
{
	uint64_t *id = pair_map_find(&unix_state_of(restore)->by_ino, file->entry->usk->peer, 0);

	return id ? fd_file_find(restore, *id) : NULL;
}

int unix_check(struct fd_restore *restore, struct fd_file *file)
{
	const UnixSkEntry *entry = file->entry->usk;
	struct unix_restore *state = unix_state_of(restore);
	uint64_t *id;
	bool is_new;
	int r;

	if (!state)
		return -ENOMEM;
	if (entry->type != SOCK_STREAM && entry->type != SOCK_DGRAM && entry->type != SOCK_SEQPACKET)
		return fd_bad(restore, file, "an unknown type");
	if (entry->state != TCP_ESTABLISHED && entry->state != TCP_CLOSE && entry->state != TCP_LISTEN)
		return fd_bad(restore, file, "an unknown state");
	if (entry->has_shutdown && entry->shutdown > 3)
		return fd_bad(restore, file, "an unknown shutdown");
	r = unix_name_check(restore, file);
	if (!r)
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

bool unix_is_mutual(const struct fd_file *file, const struct fd_file *peer)
{
	return peer->entry->usk->peer == file->entry->usk->ino;
}

/* The other end has to be one that can be connected to. */
static int check_peer(struct fd_restore *restore, const struct fd_file *file)
{
	const struct fd_file *peer = unix_peer_of(restore, file);
	const UnixSkEntry *entry = file->entry->usk;

	if (!peer)
		return cr_fail(restore->ctx, -EOPNOTSUPP,
			       "files.img: file %u: a unix socket connected to one outside isn't supported", file->id);
	if (entry->state == TCP_LISTEN || peer->entry->usk->type != entry->type)
		return fd_bad(restore, file, "an impossible peer");
	if (peer != file && unix_is_mutual(file, peer))
		return 0;
	if (entry->type == SOCK_DGRAM ? !peer->entry->usk->name.len
				      : entry->state != TCP_ESTABLISHED || peer->entry->usk->state != TCP_LISTEN)
		return fd_bad(restore, file, "a peer that can't be connected to");
	return 0;
}

static int check_queue(struct fd_restore *restore, const struct fd_file *file)
{
	const UnixSkEntry *entry = file->entry->usk;

	if (entry->type == SOCK_DGRAM || is_connected(entry) ||
	    !sk_queue_has(&unix_state_of(restore)->queues, file->id))
		return 0;
	return cr_fail(restore->ctx, -EBADMSG, "sk-queues.img: file %u: data for a unix socket that isn't connected",
		       file->id);
}

/* For undo: is something at its path already? */
static int note_present(struct fd_restore *restore, const struct fd_file *file)
{
	_cleanup_free_ char *path = unix_path(file->entry->usk);
	struct stat st;
	uint64_t *value;
	bool is_new;

	if (!path || lstat(path, &st) < 0)
		return 0;
	return pair_map_get(&unix_state_of(restore)->present, file->id, 0, &value, &is_new);
}

int unix_read(struct fd_restore *restore)
{
	int r = unix_state_of(restore) ? sk_queues_read(restore, &unix_state_of(restore)->queues) : -ENOMEM;

	for (size_t i = 0; i < restore->nr_files && !r; i++) {
		const struct fd_file *file = &restore->files[i];

		if (file->ops != &unix_ops)
			continue;
		r = check_queue(restore, file);
		if (!r && file->entry->usk->peer)
			r = check_peer(restore, file);
		if (!r)
			r = note_present(restore, file);
	}
	return r;
}

void unix_key(const struct fd_restore *restore, const struct fd_file *file, char *key)
{
	snprintf(key, FD_KEY_MAX, "socket:[%u]", file->entry->usk->ino);
}

int unix_fill_pair(struct fd_restore *restore, struct fd_file *file, int fd, struct fd_file *peer, int peer_fd)
{
	const struct sk_queues *queues = &unix_state_of(restore)->queues;
	int r = sk_queue_fill(restore, queues, file->id, peer_fd);

	if (!r && !peer)
		r = sk_opts_restore(restore, file, fd, file->entry->usk->opts);
	if (!peer || r < 0)
		return r;
	r = sk_queue_fill(restore, queues, peer->id, fd);
	if (!r) /* behind both, for that raises buffers */
		r = sk_opts_restore(restore, file, fd, file->entry->usk->opts);
	if (!r)
		r = sk_opts_restore(restore, peer, peer_fd, peer->entry->usk->opts);
	if (!r)
		r = sk_shut_down(fd, file->entry->usk->shutdown);
	if (!r)
		r = sk_shut_down(peer_fd, peer->entry->usk->shutdown);
	return r;
}

int unix_keep(struct fd_restore *restore, const struct fd_file *file, int fd)
{
	uint64_t *made;
	bool is_new;
	int r = pair_map_get(&unix_state_of(restore)->made, file->id, 0, &made, &is_new);

	if (!r)
		*made = fd;
	return r;
}

/* Without names. */
static int open_pair(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	struct fd_file *peer = file->entry->usk->peer ? unix_peer_of(restore, file) : NULL;
	_cleanup_close_ int fd = -1, peer_fd = -1;
	int ends[2], r = unix_pair(file, ends);

	if (r < 0)
		return r;
	fd = ends[0];
	peer_fd = ends[1];
	r = unix_fill_pair(restore, file, fd, peer, peer_fd);
	if (!r && peer) {
		r = unix_keep(restore, peer, peer_fd);
		if (!r)
			take_fd(peer_fd);
	}
	if (!r)
		*ret = take_fd(fd);
	return r;
}

int unix_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	const UnixSkEntry *entry = file->entry->usk;
	uint64_t *made;
	int r = unix_state_of(restore)->all_made ? 0 : unix_make_all(restore);

	if (r < 0)
		return r;
	unix_state_of(restore)->all_made = true;
	made = pair_map_find(&unix_state_of(restore)->made, file->id, 0);
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

/* After an error sockets may be left that nobody asked for. */
void unix_open_end(struct fd_restore *restore)
{
	for (size_t i = 0; i < restore->nr_files; i++) {
		uint64_t *made = pair_map_find(&unix_state_of(restore)->made, restore->files[i].id, 0);

		if (made && *made != UINT64_MAX)
			close(*made);
	}
	pair_map_free(&unix_state_of(restore)->made);
}

/* Clients are told which process called listen(2): it does so once more, now that it is there. */
int unix_task(struct fd_restore *restore, const struct fd_table *table, pid_t pid, pid_t sid)
{
	for (size_t i = 0; table && i < table->nr; i++) {
		const struct fd_file *file = table->v[i].file;
		int r;

		if (file->ops != &unix_ops || file->entry->usk->state != TCP_LISTEN || !file->sk_extra ||
		    !file->sk_extra->peer || file->sk_extra->peer->pid != (uint32_t)pid)
			continue;
		r = unix_listen(file, table->v[i].nr);
		if (r < 0)
			return cr_fail_errno(restore->ctx, r, "task %d: Can't listen on descriptor %d", pid,
					     table->v[i].nr);
	}
	return 0;
}

void unix_undo(struct fd_restore *restore)
{
	for (size_t i = 0; i < restore->nr_files; i++) {
		const struct fd_file *file = &restore->files[i];
		_cleanup_free_ char *path = NULL;
		struct stat st;

		if (file->ops != &unix_ops || pair_map_find(&unix_state_of(restore)->present, file->id, 0))
			continue;
		path = unix_path(file->entry->usk);
		if (path && !lstat(path, &st) && S_ISSOCK(st.st_mode) && !unix_path_in_use(path) && unlink(path) < 0)
			log_warn(restore->ctx->log, "Can't remove %s: %s", path, strerror(errno));
	}
}

void unix_free(struct fd_restore *restore)
{
	struct unix_restore *state = unix_state_of(restore);

	sk_queues_free(&state->queues);
	pair_map_free(&state->by_ino);
	pair_map_free(&state->made);
	pair_map_free(&state->present);
}
