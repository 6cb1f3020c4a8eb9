/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets without a name, most of them pairs: unix(7), socketpair(2). */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/str.h"
#include "fd/registry.h"
#include "fd/unix.h"

struct unix_seen {
	uint32_t ino, peer;
	char *who; /* for a message */
};

struct unix_dump {
	bool listed;
	struct unix_infos infos;
	struct pair_map dumped; /* inodes */
	struct unix_seen *seen;
	size_t nr_seen;
};

static bool unix_match(const struct fd_object *obj)
{
	int family = -1;
	socklen_t len = sizeof(family);

	return S_ISSOCK(obj->st.st_mode) && !getsockopt(obj->fd, SOL_SOCKET, SO_DOMAIN, &family, &len) &&
	       family == AF_UNIX;
}

static int find_info(struct fd_dump *dump, struct unix_dump *state, const struct fd_object *obj,
		     const struct unix_info **ret)
{
	if (!state->listed) {
		int r = unix_diag_read(&state->infos);

		if (r < 0)
			return cr_fail_errno(dump->ctx, r, "Can't list unix sockets by sock_diag(7)");
		state->listed = true;
	}
	*ret = unix_info_find(&state->infos, obj->st.st_ino);
	if (!*ret)
		return fd_refuse(dump, obj, "a unix socket of another network namespace");
	return 0;
}

static int check_supported(struct fd_dump *dump, const struct unix_dump *state, const struct fd_object *obj,
			   const struct unix_info *info)
{
	const struct unix_info *peer = info->peer ? unix_info_find(&state->infos, info->peer) : NULL;

	if (info->type != SOCK_STREAM && info->type != SOCK_DGRAM && info->type != SOCK_SEQPACKET)
		return fd_refuse(dump, obj, "a unix socket of an unknown type");
	if (info->state == TCP_LISTEN)
		return fd_refuse(dump, obj, "a listening unix socket");
	if (info->named)
		return fd_refuse(dump, obj, "a unix socket with a name");
	if (info->state != TCP_ESTABLISHED && info->state != TCP_CLOSE)
		return fd_refuse(dump, obj, "a unix socket that is being connected");
	if (info->peer && (!peer || peer->peer != info->ino))
		return fd_refuse(dump, obj, "a unix socket connected to one that isn't connected to it");
	return 0;
}

static int note_seen(struct unix_dump *state, const struct fd_object *obj, const struct unix_info *info)
{
	struct unix_seen *grown = state->seen;
	uint64_t *value;
	bool is_new;
	int r = pair_map_get(&state->dumped, info->ino, 0, &value, &is_new);

	if (r < 0 || !info->peer)
		return r;
	if (!(state->nr_seen & (state->nr_seen - 1)))
		grown = reallocarray(state->seen, state->nr_seen ? 2 * state->nr_seen : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	state->seen = grown;
	grown += state->nr_seen;
	*grown = (struct unix_seen){ info->ino, info->peer,
				     str_printf("task %d (%s): descriptor %d", obj->task->pid, obj->task->comm,
						obj->nr) };
	if (!grown->who)
		return -ENOMEM;
	state->nr_seen++;
	return 0;
}

static int unix_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	struct unix_dump *state = fd_dump_state(dump, &unix_ops, sizeof(*state));
	UnixSkEntry entry = UNIX_SK_ENTRY__INIT;
	const struct unix_info *info;
	_cleanup_sk_opts_ SkOptsEntry opts = SK_OPTS_ENTRY__INIT;
	FownEntry fown;
	int r = state ? find_info(dump, state, obj, &info) : -ENOMEM;

	if (!r)
		r = check_supported(dump, state, obj, info);
	if (!r)
		r = note_seen(state, obj, info);
	if (!r)
		r = sk_opts_dump(dump, obj, &opts);
	if (!r)
		r = sk_extra_dump(dump, obj, false, NULL);
	if (!r && info->type == SOCK_DGRAM && info->state != TCP_ESTABLISHED && !info->peer)
		r = sk_queue_refuse(dump, obj, info->shutdown & 1);
	else if (!r && (info->state == TCP_ESTABLISHED || info->type == SOCK_DGRAM))
		r = sk_queue_dump(dump, obj, info->type, info->shutdown & 1);
	if (!r)
		r = fown_dump(dump, obj, &fown);
	if (r < 0)
		return r;
	entry.id = obj->id;
	entry.ino = info->ino;
	entry.type = info->type;
	entry.state = info->state;
	entry.flags = obj->flags;
	entry.backlog = info->wqueue;
	entry.peer = info->peer;
	entry.fown = &fown;
	entry.opts = &opts;
	entry.has_shutdown = info->shutdown;
	entry.shutdown = info->shutdown;
	return fd_dump_write(dump, FD_TYPES__UNIXSK, obj->id, &entry.base);
}

static int unix_dump_end(struct fd_dump *dump, bool ok)
{
	struct unix_dump *state = dump->state[fd_ops_index(&unix_ops)];
	int r = 0;

	if (!state)
		return 0;
	for (size_t i = 0; i < state->nr_seen; i++) {
		if (ok && !r && !pair_map_find(&state->dumped, state->seen[i].peer, 0))
			r = cr_fail(dump->ctx, -EOPNOTSUPP,
				    "%s: a unix socket (socket:[%u]) whose peer (socket:[%u]) is outside the tree "
				    "isn't supported",
				    state->seen[i].who, state->seen[i].ino, state->seen[i].peer);
		free(state->seen[i].who);
	}
	free(state->seen);
	free(state->infos.v);
	pair_map_free(&state->dumped);
	return r;
}

const struct fd_ops unix_ops = {
	.name = "a unix socket",
	.type = FD_TYPES__UNIXSK,
	.member = offsetof(FileEntry, usk),
	.old_kind = IMG_UNIXSK,
	.match = unix_match,
	.dump = unix_dump,
	.dump_end = unix_dump_end,
	.read = unix_read,
	.check = unix_check,
	.key = unix_key,
	.open = unix_open,
	.open_end = unix_open_end,
	.free = unix_free,
};
