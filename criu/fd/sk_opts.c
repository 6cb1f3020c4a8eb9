/* SPDX-License-Identifier: GPL-2.0 */
/* Options that sockets of every family have: socket(7). */
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "fd/unix.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* since Linux 5.14 */
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* since Linux 6.5 */
#endif

/* Flags and numbers that a row is enough for. */
struct option {
	int name;
	bool is_flag;
	size_t has, value; /* offsets in SkOptsEntry */
};

#define FLAG(name, member)                                                                                             \
	{                                                                                                              \
		name, true, offsetof(SkOptsEntry, has_##member), offsetof(SkOptsEntry, member)                         \
	}
#define NUMBER(name, member)                                                                                           \
	{                                                                                                              \
		name, false, offsetof(SkOptsEntry, has_##member), offsetof(SkOptsEntry, member)                        \
	}

static const struct option options[] = {
	FLAG(SO_REUSEADDR, reuseaddr),	  NUMBER(SO_PRIORITY, so_priority),   NUMBER(SO_RCVLOWAT, so_rcvlowat),
	FLAG(SO_PASSCRED, so_passcred),	  FLAG(SO_PASSSEC, so_passsec),	      FLAG(SO_DONTROUTE, so_dontroute),
	FLAG(SO_NO_CHECK, so_no_check),	  FLAG(SO_REUSEPORT, so_reuseport),   FLAG(SO_BROADCAST, so_broadcast),
	FLAG(SO_KEEPALIVE, so_keepalive), NUMBER(SO_OOBINLINE, so_oobinline), NUMBER(SO_BUF_LOCK, so_buf_lock),
};

/* What the image has no member for has to be as in a new socket. */
static const struct {
	int name;
	int value;
	const char *text;
} absent[] = {
	{ SO_TIMESTAMP, 0, "a socket with SO_TIMESTAMP" }, { SO_TIMESTAMPNS, 0, "a socket with SO_TIMESTAMPNS" },
	{ SO_RXQ_OVFL, 0, "a socket with SO_RXQ_OVFL" },   { SO_PEEK_OFF, -1, "a socket with SO_PEEK_OFF" },
	{ SO_PASSPIDFD, 0, "a socket with SO_PASSPIDFD" }, { SO_BUSY_POLL, 0, "a socket with SO_BUSY_POLL" },
	{ SO_MARK, 0, "a socket with SO_MARK" },
};

static int get_number(int fd, int name, int *ret)
{
	socklen_t len = sizeof(*ret);

	*ret = 0;
	return getsockopt(fd, SOL_SOCKET, name, ret, &len) < 0 ? -errno : 0;
}

/* Options that this kernel or this family doesn't know are as good as unset. */
static bool is_unknown(int r)
{
	return r == -ENOPROTOOPT || r == -EOPNOTSUPP || r == -EINVAL;
}

static int refuse_absent(struct fd_dump *dump, const struct fd_object *obj)
{
	struct linger linger = {};
	socklen_t len = sizeof(linger);

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		int v, r = get_number(obj->fd, absent[i].name, &v);

		if (r < 0 && !is_unknown(r))
			return r;
		if (!r && v != absent[i].value)
			return fd_refuse(dump, obj, absent[i].text);
	}
	if (!getsockopt(obj->fd, SOL_SOCKET, SO_LINGER, &linger, &len) && linger.l_onoff)
		return fd_refuse(dump, obj, "a socket with SO_LINGER");
	len = 0;
	if (!getsockopt(obj->fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len) && len)
		return fd_refuse(dump, obj, "a socket with a filter");
	return 0;
}

static int get_times(int fd, SkOptsEntry *ret)
{
	struct timeval snd, rcv;
	socklen_t len = sizeof(snd);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &snd, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &rcv, &len) < 0)
		return -errno;
	ret->so_snd_tmo_sec = snd.tv_sec;
	ret->so_snd_tmo_usec = snd.tv_usec;
	ret->so_rcv_tmo_sec = rcv.tv_sec;
	ret->so_rcv_tmo_usec = rcv.tv_usec;
	return 0;
}

static int get_options(int fd, SkOptsEntry *ret)
{
	int v, r = get_number(fd, SO_SNDBUF, &v);

	ret->so_sndbuf = v;
	if (!r)
		r = get_number(fd, SO_RCVBUF, &v);
	ret->so_rcvbuf = v;
	if (!r)
		r = get_times(fd, ret);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && !r; i++) {
		const struct option *o = &options[i];

		r = get_number(fd, o->name, &v);
		if (is_unknown(r)) {
			r = 0;
			continue;
		}
		*(protobuf_c_boolean *)((char *)ret + o->has) = true;
		if (o->is_flag)
			*(protobuf_c_boolean *)((char *)ret + o->value) = v;
		else
			*(uint32_t *)((char *)ret + o->value) = v;
	}
	return r;
}

int sk_opts_dump(struct fd_dump *dump, const struct fd_object *obj, SkOptsEntry *ret)
{
	int r;

	sk_opts_entry__init(ret);
	r = refuse_absent(dump, obj);
	if (!r)
		r = get_options(obj->fd, ret);
	return r < 0 ? cr_fail_errno(dump->ctx, r, FD_WHO "Can't read the socket's options", FD_WHO_ARGS(obj)) : 0;
}

/* The kernel doubles what it is given, and getsockopt(2) gives the double. */
static int set_buffer(int fd, int name, int force, uint32_t wanted)
{
	int now, half = wanted / 2, r = get_number(fd, name, &now);

	if (r < 0 || (uint32_t)now == wanted)
		return r;
	if (!setsockopt(fd, SOL_SOCKET, force, &half, sizeof(half)))
		return 0;
	return setsockopt(fd, SOL_SOCKET, name, &half, sizeof(half)) < 0 ? -errno : 0;
}

static int set_times(int fd, const SkOptsEntry *opts)
{
	struct timeval snd = { opts->so_snd_tmo_sec, opts->so_snd_tmo_usec };
	struct timeval rcv = { opts->so_rcv_tmo_sec, opts->so_rcv_tmo_usec };

	if ((snd.tv_sec || snd.tv_usec) && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &snd, sizeof(snd)) < 0)
		return -errno;
	if ((rcv.tv_sec || rcv.tv_usec) && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &rcv, sizeof(rcv)) < 0)
		return -errno;
	return 0;
}

int sk_opts_restore(struct fd_restore *restore, int fd, const SkOptsEntry *opts)
{
	int r = set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, opts->so_sndbuf);

	if (!r)
		r = set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, opts->so_rcvbuf);
	if (!r)
		r = set_times(fd, opts);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && !r; i++) {
		const struct option *o = &options[i];
		int now, wanted;

		if (!*(protobuf_c_boolean *)((char *)opts + o->has))
			continue;
		if (o->is_flag)
			wanted = *(protobuf_c_boolean *)((char *)opts + o->value);
		else
			wanted = *(uint32_t *)((char *)opts + o->value);
		r = get_number(fd, o->name, &now);
		if (is_unknown(r) && !wanted)
			r = 0;
		else if (!r && now != wanted && setsockopt(fd, SOL_SOCKET, o->name, &wanted, sizeof(wanted)) < 0)
			r = -errno;
	}
	if (!r &&
	    (opts->n_so_filter || (opts->has_so_linger && opts->so_linger) || (opts->has_so_mark && opts->so_mark)))
		return cr_fail(restore->ctx, -EOPNOTSUPP, "A socket's filter, SO_LINGER and SO_MARK aren't supported");
	return r < 0 ? cr_fail_errno(restore->ctx, r, "Can't set a socket's options") : 0;
}
