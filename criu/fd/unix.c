/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets at dump: pairs, and those with names: unix(7), socketpair(2). */
#include <errno.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
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

static const struct unix_waiting *waiting_of(const struct unix_dump *state, uint32_t client)
{
	for (size_t i = 0; i < state->infos.nr_waiting; i++)
		if (client && state->infos.waiting[i].client == client)
			return &state->infos.waiting[i];
	return NULL;
}

static int check_supported(struct fd_dump *dump, const struct unix_dump *state, const struct fd_object *obj,
			   const struct unix_info *info)
{
	const struct unix_info *peer = info->peer ? unix_info_find(&state->infos, info->peer) : NULL;

	if (info->type != SOCK_STREAM && info->type != SOCK_DGRAM && info->type != SOCK_SEQPACKET)
		return fd_refuse(dump, obj, "a unix socket of an unknown type");
	if (info->state != TCP_ESTABLISHED && info->state != TCP_CLOSE && info->state != TCP_LISTEN)
		return fd_refuse(dump, obj, "a unix socket that is being connected");
	if (info->peer && !peer)
		return fd_refuse(dump, obj, "a unix socket connected to one of another network namespace");
	if (info->peer && peer->peer != info->ino && (info->type != SOCK_DGRAM || !peer->name_len))
		return fd_refuse(dump, obj, "a unix socket connected to one that isn't connected to it");
	return 0;
}

/* The kernel calls a datagram socket connected, too, if others are connected to it. */
static int state_of(struct fd_dump *dump, const struct fd_object *obj, const struct unix_info *info, uint32_t *ret)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);

	*ret = info->state;
	if (info->type != SOCK_DGRAM || info->peer)
		return 0;
	*ret = getpeername(obj->fd, (struct sockaddr *)&addr, &len) < 0 ? TCP_CLOSE : TCP_ESTABLISHED;
	if (*ret == TCP_ESTABLISHED && info->name_len)
		return fd_refuse(dump, obj, "a unix datagram socket with a name whose peer is closed");
	return 0;
}

/* What it says can be checked when all sockets are known: PEER is in the tree, too. */
static int note_peer(struct unix_dump *state, const struct fd_object *obj, uint32_t peer)
{
	struct unix_seen *grown = state->seen;

	if (!peer)
		return 0;
	if (!(state->nr_seen & (state->nr_seen - 1)))
		grown = reallocarray(state->seen, state->nr_seen ? 2 * state->nr_seen : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	state->seen = grown;
	grown += state->nr_seen;
	*grown = (struct unix_seen){ obj->st.st_ino, peer,
				     str_printf("task %d (%s): descriptor %d", obj->task->pid, obj->task->comm,
						obj->nr) };
	if (!grown->who)
		return -ENOMEM;
	state->nr_seen++;
	return 0;
}

/* The connections that wait: their other ends, which have to be in the tree, connect again. */
static int find_waiting(struct fd_dump *dump, struct unix_dump *state, const struct fd_object *obj,
			struct sk_unix_extra *ret)
{
	const struct unix_infos *infos = &state->infos;
	int r = 0;

	if (dump->opts->tcp_skip_in_flight || !infos->nr_waiting)
		return 0;
	ret->waiting = calloc(infos->nr_waiting, sizeof(*ret->waiting));
	if (!ret->waiting)
		return -ENOMEM;
	for (size_t i = 0; i < infos->nr_waiting && !r; i++) {
		if (infos->waiting[i].listener != obj->st.st_ino)
			continue;
		if (!infos->waiting[i].client)
			return cr_fail(dump->ctx, -EOPNOTSUPP,
				       FD_WHO
				       "a connection that nobody has accepted, and whose other end is closed, isn't "
				       "supported; --skip-in-flight leaves it out",
				       FD_WHO_ARGS(obj));
		ret->waiting[ret->nr_waiting++] = infos->waiting[i].client;
		r = note_peer(state, obj, infos->waiting[i].client);
	}
	return r;
}

/* The end of such a connection: its peer shall be who listens. */
static int check_waits(struct fd_dump *dump, const struct fd_object *obj)
{
	int unread = 0;

	if (ioctl(obj->fd, SIOCOUTQ, &unread) < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't ask what it has sent", FD_WHO_ARGS(obj));
	if (unread)
		return fd_refuse(dump, obj, "a unix socket with data sent to one that hasn't accepted the connection,");
	return 0;
}

static int find_peercred(struct fd_dump *dump, const struct fd_object *obj, const struct unix_info *info,
			 SkExtraPeer *peer, struct sk_unix_extra *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (info->type == SOCK_DGRAM || info->state == TCP_CLOSE)
		return 0;
	if (getsockopt(obj->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't ask for its peer", FD_WHO_ARGS(obj));
	if (info->state != TCP_LISTEN && !cred.uid && !cred.gid)
		return 0;
	sk_extra_peer__init(peer);
	peer->pid = cred.pid;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	ret->peer = peer;
	return 0;
}

static int dump_extra(struct fd_dump *dump, struct unix_dump *state, const struct fd_object *obj,
		      const struct unix_info *info)
{
	struct sk_unix_extra extra = {};
	SkExtraPeer peer;
	int r = find_peercred(dump, obj, info, &peer, &extra);

	if (!r && info->state == TCP_LISTEN)
		r = find_waiting(dump, state, obj, &extra);
	if (!r)
		r = sk_extra_dump(dump, obj, false, &extra);
	free(extra.waiting);
	return r;
}

static int dump_queue(struct fd_dump *dump, const struct unix_dump *state, const struct fd_object *obj,
		      const struct unix_info *info)
{
	const struct unix_info *peer = info->peer ? unix_info_find(&state->infos, info->peer) : NULL;
	struct sk_sender sender = {};

	if (info->type != SOCK_DGRAM && info->state != TCP_ESTABLISHED)
		return 0;
	if (peer)
		sender = (struct sk_sender){ peer->name, peer->name_len };
	return sk_queue_dump(dump, obj, info->type, info->shutdown & 1, &sender);
}

static int unix_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	struct unix_dump *state = fd_dump_state(dump, &unix_ops, sizeof(*state));
	_cleanup_sk_opts_ SkOptsEntry opts = SK_OPTS_ENTRY__INIT;
	UnixSkEntry entry = UNIX_SK_ENTRY__INIT;
	__cleanup(unix_file_free) struct unix_file file = {};
	const struct unix_waiting *waiting = NULL;
	const struct unix_info *info;
	FownEntry fown;
	uint64_t *value;
	bool is_new;
	int r = state ? find_info(dump, state, obj, &info) : -ENOMEM;

	if (!r)
		r = check_supported(dump, state, obj, info);
	if (!r)
		r = state_of(dump, obj, info, &entry.state);
	if (r < 0)
		return r;
	waiting = waiting_of(state, info->ino);
	entry.peer = waiting ? waiting->listener : info->peer;
	r = waiting ? check_waits(dump, obj) : 0;
	if (!r)
		r = pair_map_get(&state->dumped, info->ino, 0, &value, &is_new);
	if (!r)
		r = note_peer(state, obj, entry.peer);
	if (!r)
		r = unix_file_find(dump, obj, info->name, info->name_len, &file);
	if (!r)
		r = sk_opts_dump(dump, obj, &opts);
	if (!r)
		r = dump_extra(dump, state, obj, info);
	if (!r)
		r = dump_queue(dump, state, obj, info);
	if (!r)
		r = fown_dump(dump, obj, &fown);
	if (r < 0)
		return r;
	entry.id = obj->id;
	entry.ino = info->ino;
	entry.type = info->type;
	entry.flags = obj->flags;
	entry.backlog = info->wqueue;
	entry.fown = &fown;
	entry.opts = &opts;
	entry.name.len = info->name_len;
	entry.name.data = (uint8_t *)info->name;
	entry.file_perms = file.has_perms ? &file.perms : NULL;
	entry.name_dir = file.dir;
	entry.has_deleted = entry.deleted = file.deleted;
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
	unix_infos_free(&state->infos);
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
	.task = unix_task,
	.open_end = unix_open_end,
	.undo = unix_undo,
	.free = unix_free,
};
