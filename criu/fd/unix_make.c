/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unix sockets at restore that have names, or are connected to ones that have. First they are made; then names are
 * given: those of files that are gone before those that are there, so that none stands in another's way; then who
 * listens listens; at last others connect to them.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/registry.h"
#include "fd/unix.h"

struct making {
	struct fd_restore *restore;
	struct pair_map owners; /* names, as two hashes, to the file whose name it is above all */
};

static uint64_t hash(const UnixSkEntry *entry, uint64_t h)
{
	for (size_t i = 0; i < entry->name.len; i++)
		h = (h ^ entry->name.data[i]) * 0x100000001b3;
	for (const char *c = entry->name_dir ?: ""; *c; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3;
	return h;
}

static int find_owner(struct making *m, const UnixSkEntry *entry, uint64_t **ret)
{
	bool is_new;

	return pair_map_get(&m->owners, hash(entry, 0xcbf29ce484222325), hash(entry, 0x9ae16a3b2f90404f), ret, &is_new);
}

static struct fd_file *peer_of(struct making *m, const struct fd_file *file)
{
	return file->entry->usk->peer ? unix_peer_of(m->restore, file) : NULL;
}

/* Is it one of a pair, even if the other end was closed? */
static bool is_of_pair(struct making *m, const struct fd_file *file)
{
	const struct fd_file *peer = peer_of(m, file);

	if (peer)
		return peer != file && unix_is_mutual(file, peer);
	/* CRIU's sets say of datagram servers that they are connected. */
	return file->entry->usk->state == TCP_ESTABLISHED &&
	       !(file->entry->usk->type == SOCK_DGRAM && file->entry->usk->name.len);
}

/* Connected to one that isn't connected to it: to one that listens, or by datagrams. */
static bool is_one_way(struct making *m, const struct fd_file *file)
{
	return file->entry->usk->peer && !is_of_pair(m, file);
}

static bool is_ours(struct making *m, const struct fd_file *file)
{
	int nr;

	return file->ops == &unix_ops && !inherit_has(m->restore, file, &nr);
}

/* Those with names, their peers, and those that connect to names. */
static bool is_special(struct making *m, const struct fd_file *file)
{
	const UnixSkEntry *entry = file->entry->usk;
	const struct fd_file *peer = peer_of(m, file);

	return entry->name.len || is_one_way(m, file) || (peer && is_of_pair(m, file) && peer->entry->usk->name.len) ||
	       (entry->type == SOCK_DGRAM && !is_of_pair(m, file) &&
		sk_queue_has(&unix_state_of(m->restore)->queues, file->id));
}

static int made_fd(struct making *m, const struct fd_file *file)
{
	uint64_t *made = pair_map_find(&unix_state_of(m->restore)->made, file->id, 0);

	return made ? (int)*made : -1;
}

/* An accepted socket has the name of the one that listens, if that is still there. */
static struct fd_file *listener_of(struct making *m, const struct fd_file *file)
{
	const UnixSkEntry *entry = file->entry->usk;
	uint64_t *owner;
	struct fd_file *found;

	if (!entry->name.len || entry->type == SOCK_DGRAM || !is_of_pair(m, file) || find_owner(m, entry, &owner) < 0)
		return NULL;
	found = *owner ? fd_file_find(m->restore, *owner) : NULL;
	return found && found->entry->usk->state == TCP_LISTEN && found->entry->usk->type == entry->type ? found : NULL;
}

static bool is_abstract(const struct fd_file *file)
{
	return file->entry->usk->name.len && !file->entry->usk->name.data[0];
}

/* The pair has to come of a real connect(2) and accept(2): an abstract name can't be bound twice. */
static bool is_accepted(struct making *m, const struct fd_file *file)
{
	return is_abstract(file) && listener_of(m, file);
}

static int find_owners(struct making *m)
{
	/* Who listens comes first, then the others. */
	for (int listening = 1; listening >= 0; listening--) {
		for (size_t i = 0; i < m->restore->nr_files; i++) {
			const struct fd_file *file = &m->restore->files[i];
			uint64_t *owner;
			int r;

			if (!is_ours(m, file) || !file->entry->usk->name.len ||
			    (file->entry->usk->has_deleted && file->entry->usk->deleted) ||
			    (file->entry->usk->state == TCP_LISTEN) != listening)
				continue;
			r = find_owner(m, file->entry->usk, &owner);
			if (r < 0)
				return r;
			if (!*owner)
				*owner = file->id;
		}
	}
	return 0;
}

/* A datagram socket that isn't in a pair; what it hasn't received is sent by one without a name. */
static int make_dgram(struct making *m, struct fd_file *file, int *ret)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	const struct sk_queues *queues = &unix_state_of(m->restore)->queues;
	_cleanup_close_ int fd = -1, sender = -1;
	int ends[2], error, r;

	if (!sk_queue_has(queues, file->id)) {
		*ret = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		return *ret < 0 ? -errno : 0;
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	fd = ends[0];
	sender = ends[1];
	if (connect(fd, &nobody, sizeof(nobody)) < 0)
		return -errno;
	r = sk_get_number(sender, SOL_SOCKET, SO_ERROR, &error); /* it is told that its peer is gone */
	if (!r)
		r = sk_queue_fill(m->restore, queues, file->id, sender);
	if (!r)
		*ret = take_fd(fd);
	return r;
}

static int make_pair(struct making *m, struct fd_file *file)
{
	struct fd_file *peer = peer_of(m, file);
	_cleanup_close_ int fd = -1, peer_fd = -1;
	int ends[2], r = unix_pair(file, ends);

	if (r < 0)
		return r;
	fd = ends[0];
	peer_fd = ends[1];
	r = unix_keep(m->restore, file, fd);
	if (r < 0)
		return r;
	take_fd(fd);
	if (peer) {
		r = unix_keep(m->restore, peer, peer_fd);
		if (r < 0)
			return r;
		take_fd(peer_fd);
		return 0;
	}
	/* What the closed end sent has to be sent while it is there. */
	return unix_fill_pair(m->restore, file, ends[0], NULL, peer_fd);
}

static int make(struct making *m, struct fd_file *file)
{
	const UnixSkEntry *entry = file->entry->usk;
	const struct fd_file *peer = peer_of(m, file);
	int fd = -1, r;

	if (is_of_pair(m, file)) {
		if (is_accepted(m, file) || (peer && is_accepted(m, peer)))
			return 0;
		return make_pair(m, file);
	}
	if (entry->type == SOCK_DGRAM) {
		r = make_dgram(m, file, &fd);
		if (r < 0)
			return r;
	} else {
		fd = socket(AF_UNIX, entry->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			return -errno;
	}
	r = unix_keep(m->restore, file, fd);
	if (r < 0)
		close(fd);
	return r;
}

/* Its file is gone, or is another's: that of who listens. */
static bool is_removed(struct making *m, const struct fd_file *file)
{
	uint64_t *owner;

	if (file->entry->usk->has_deleted && file->entry->usk->deleted)
		return true;
	return !is_abstract(file) && !find_owner(m, file->entry->usk, &owner) && *owner != file->id;
}

/* Accepts what FD has connected to; LISTENER may have got other clients as well, who are turned away. */
static int accept_own(int listener, int *ret)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct ucred cred;
		socklen_t len = sizeof(cred);

		if (fd < 0)
			return -errno;
		if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) && cred.pid == getpid()) {
			*ret = fd;
			return 0;
		}
		close(fd);
	}
}

/* FILE was accepted; its peer connected, and may be gone. */
static int make_accepted(struct making *m, struct fd_file *file)
{
	struct fd_file *listener = listener_of(m, file), *peer = peer_of(m, file);
	_cleanup_close_ int client = socket(AF_UNIX, file->entry->usk->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_close_ int fd = -1;
	int r = client < 0 ? -errno : 0;

	if (!r && peer && peer->entry->usk->name.len)
		r = unix_bind(m->restore, peer, client, is_removed(m, peer));
	if (!r)
		r = unix_connect(listener->entry->usk, client);
	if (!r)
		r = accept_own(made_fd(m, listener), &fd);
	if (r < 0)
		return cr_fail_errno(m->restore->ctx, r, "Can't accept the unix socket of file %u", file->id);
	r = unix_keep(m->restore, file, fd);
	if (r < 0)
		return r;
	r = take_fd(fd);
	if (!peer)
		return unix_fill_pair(m->restore, file, r, NULL, client);
	r = unix_keep(m->restore, peer, client);
	if (!r)
		take_fd(client);
	return r;
}

static int connect_one(struct making *m, const struct fd_file *file)
{
	const struct fd_file *peer = peer_of(m, file);
	int r = unix_connect(peer->entry->usk, made_fd(m, file));

	return r < 0 ? cr_fail_errno(m->restore->ctx, r, "Can't connect the unix socket of file %u to that of file %u",
				     file->id, peer->id)
		     : 0;
}

/* Those that wait to be accepted, in their order. */
static int connect_waiting(struct making *m, const struct fd_file *listener)
{
	const SkExtraEntry *extra = listener->sk_extra;
	int r = 0;

	for (size_t i = 0; extra && i < extra->n_waiting && !r; i++) {
		uint64_t *id = pair_map_find(&unix_state_of(m->restore)->by_ino, extra->waiting[i], 0);
		const struct fd_file *file = id ? fd_file_find(m->restore, *id) : NULL;

		if (!file || !is_ours(m, file) || peer_of(m, file) != listener)
			r = cr_fail(m->restore->ctx, -EBADMSG, "sk-extra.img: file %u: %u doesn't wait for it",
				    listener->id, extra->waiting[i]);
		else
			r = connect_one(m, file);
	}
	return r;
}

static int finish(struct making *m, struct fd_file *file)
{
	struct fd_file *peer = peer_of(m, file);
	int fd = made_fd(m, file), r;

	if (is_of_pair(m, file)) /* one end does it for both */
		return peer && file->id < peer->id ? unix_fill_pair(m->restore, file, fd, peer, made_fd(m, peer)) : 0;
	r = sk_opts_restore(m->restore, file, fd, file->entry->usk->opts);
	return r < 0 ? r : sk_shut_down(fd, file->entry->usk->shutdown);
}

/* ---- the steps ----------------------------------------------------------------------------------------------- */

static int step_make(struct making *m, struct fd_file *file)
{
	return made_fd(m, file) >= 0 ? 0 : make(m, file);
}

static int step_bind_removed(struct making *m, struct fd_file *file)
{
	int fd = made_fd(m, file);

	return file->entry->usk->name.len && fd >= 0 && is_removed(m, file) ? unix_bind(m->restore, file, fd, true) : 0;
}

static int step_bind(struct making *m, struct fd_file *file)
{
	int fd = made_fd(m, file);

	return file->entry->usk->name.len && fd >= 0 && !is_removed(m, file) ? unix_bind(m->restore, file, fd, false)
									     : 0;
}

static int step_listen(struct making *m, struct fd_file *file)
{
	int r = file->entry->usk->state == TCP_LISTEN ? unix_listen(file, made_fd(m, file)) : 0;

	return r < 0 ? cr_fail_errno(m->restore->ctx, r, "Can't listen on the unix socket of file %u", file->id) : 0;
}

static int step_accept(struct making *m, struct fd_file *file)
{
	return made_fd(m, file) < 0 && is_accepted(m, file) ? make_accepted(m, file) : 0;
}

static int step_connect_waiting(struct making *m, struct fd_file *file)
{
	return file->entry->usk->state == TCP_LISTEN ? connect_waiting(m, file) : 0;
}

/* Sets of CRIU don't tell the order of those that wait. */
static int step_connect(struct making *m, struct fd_file *file)
{
	const struct fd_file *peer = peer_of(m, file);

	if (!is_one_way(m, file) || (peer->sk_extra && peer->sk_extra->n_waiting))
		return 0;
	return connect_one(m, file);
}

int unix_make_all(struct fd_restore *restore)
{
	static int (*const steps[])(struct making * m, struct fd_file * file) = {
		step_make,   step_bind_removed,	   step_bind,	 step_listen,
		step_accept, step_connect_waiting, step_connect, finish,
	};
	struct making m = { .restore = restore };
	int r = find_owners(&m);

	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]) && !r; s++)
		for (size_t i = 0; i < restore->nr_files && !r; i++) {
			struct fd_file *file = &restore->files[i];

			if (is_ours(&m, file) && is_special(&m, file))
				r = steps[s](&m, file);
		}
	pair_map_free(&m.owners);
	return r;
}
