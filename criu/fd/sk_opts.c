/* SPDX-License-Identifier: GPL-2.0 */
/* Options that sockets of every family have: socket(7). */
#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "fd/sk.h"
#include "fd/sk_filter.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* since Linux 5.14 */
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* since Linux 5.14 */
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

int sk_get_number(int fd, int level, int name, int *ret)
{
	socklen_t len = sizeof(*ret);

	*ret = 0;
	return getsockopt(fd, level, name, ret, &len) < 0 ? -errno : 0;
}

bool sk_option_is_unknown(int r)
{
	return r == -ENOPROTOOPT || r == -EOPNOTSUPP || r == -EINVAL;
}

int sk_domain(int fd)
{
	int domain;

	return sk_get_number(fd, SOL_SOCKET, SO_DOMAIN, &domain) < 0 ? -1 : domain;
}

static int get_cookie(int fd, uint64_t *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len) < 0 ? -errno : 0;
}

int sk_check_namespace(struct fd_dump *dump, const struct fd_object *obj)
{
	_cleanup_close_ int ours = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t here, there;
	int r = ours < 0 ? -errno : get_cookie(ours, &here);

	if (!r)
		r = get_cookie(obj->fd, &there);
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't ask for its network namespace", FD_WHO_ARGS(obj));
	return here == there ? 0 : fd_refuse(dump, obj, "a socket of another network namespace");
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
	int v, r = sk_get_number(fd, SOL_SOCKET, SO_SNDBUF, &v);

	ret->so_sndbuf = v;
	if (!r)
		r = sk_get_number(fd, SOL_SOCKET, SO_RCVBUF, &v);
	ret->so_rcvbuf = v;
	if (!r)
		r = get_times(fd, ret);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && !r; i++) {
		const struct option *o = &options[i];

		r = sk_get_number(fd, SOL_SOCKET, o->name, &v);
		if (sk_option_is_unknown(r)) {
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

/* What is there only if it is set. */
static int get_special(int fd, SkOptsEntry *ret)
{
	struct linger linger = {};
	socklen_t len = sizeof(linger);
	char dev[IFNAMSIZ] = "";
	int v, r = sk_get_number(fd, SOL_SOCKET, SO_MARK, &v);

	if (r < 0 && !sk_option_is_unknown(r))
		return r;
	ret->has_so_mark = !r && v;
	ret->so_mark = v;
	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) < 0)
		return -errno;
	ret->has_so_linger = linger.l_onoff;
	ret->so_linger = linger.l_linger;
	len = sizeof(dev);
	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev, &len) < 0)
		return errno == ENODEV || errno == ENOPROTOOPT ? 0 : -errno;
	if (!dev[0])
		return 0;
	ret->so_bound_dev = strndup(dev, sizeof(dev));
	return ret->so_bound_dev ? 0 : -ENOMEM;
}

/* A classic filter, an instruction per number. That of an eBPF program isn't told: EACCES. */
static int get_filter(struct fd_dump *dump, const struct fd_object *obj, SkOptsEntry *ret)
{
	struct sock_filter insns[BPF_MAXINSNS];
	socklen_t nr = 0;

	if (getsockopt(obj->fd, SOL_SOCKET, SO_GET_FILTER, NULL, &nr) < 0)
		return errno == EACCES ? fd_refuse(dump, obj, "a socket with an eBPF filter") : -errno;
	if (!nr)
		return 0;
	if (nr > BPF_MAXINSNS)
		return -EFBIG;
	if (getsockopt(obj->fd, SOL_SOCKET, SO_GET_FILTER, insns, &nr) < 0)
		return -errno;
	ret->so_filter = calloc(nr, sizeof(*ret->so_filter));
	if (!ret->so_filter)
		return -ENOMEM;
	ret->n_so_filter = nr;
	for (size_t i = 0; i < nr; i++)
		ret->so_filter[i] = sk_filter_pack(&insns[i]);
	return 0;
}

int sk_opts_dump(struct fd_dump *dump, const struct fd_object *obj, SkOptsEntry *ret)
{
	int r;

	sk_opts_entry__init(ret);
	r = get_options(obj->fd, ret);
	if (!r)
		r = get_special(obj->fd, ret);
	if (!r)
		r = get_filter(dump, obj, ret);
	if (r < 0)
		sk_opts_free(ret);
	return r < 0 ? cr_fail_errno(dump->ctx, r, FD_WHO "Can't read the socket's options", FD_WHO_ARGS(obj)) : 0;
}

void sk_opts_free(SkOptsEntry *opts)
{
	free(opts->so_bound_dev);
	free(opts->so_filter);
	opts->so_bound_dev = NULL;
	opts->so_filter = NULL;
	opts->n_so_filter = 0;
}

/* ---- restore ------------------------------------------------------------------------------------------------- */

int sk_opts_check(struct fd_restore *restore, const struct fd_file *file, const SkOptsEntry *opts)
{
	if (opts->so_sndbuf > INT32_MAX || opts->so_rcvbuf > INT32_MAX)
		return fd_bad(restore, file, "an impossible buffer");
	if (opts->so_snd_tmo_usec > 999999 || opts->so_rcv_tmo_usec > 999999 || opts->so_snd_tmo_sec > INT64_MAX ||
	    opts->so_rcv_tmo_sec > INT64_MAX)
		return fd_bad(restore, file, "an impossible timeout");
	if (opts->so_bound_dev && strlen(opts->so_bound_dev) >= IFNAMSIZ)
		return fd_bad(restore, file, "the name of an impossible device");
	if (opts->n_so_filter > BPF_MAXINSNS)
		return fd_bad(restore, file, "too long a filter");
	return 0;
}

/* The kernel doubles what it is given, and getsockopt(2) gives the double. */
static int set_buffer(int fd, int name, int force, uint32_t wanted)
{
	int now, half = wanted / 2, r = sk_get_number(fd, SOL_SOCKET, name, &now);

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

static int set_special(int fd, const SkOptsEntry *opts)
{
	struct linger linger = { 1, opts->so_linger };

	if (opts->has_so_mark && opts->so_mark &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &opts->so_mark, sizeof(opts->so_mark)) < 0)
		return -errno;
	if (opts->has_so_linger && setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0)
		return -errno;
	if (opts->so_bound_dev && opts->so_bound_dev[0] &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, opts->so_bound_dev, strlen(opts->so_bound_dev)) < 0)
		return -errno;
	return 0;
}

static int set_filter(int fd, const SkOptsEntry *opts)
{
	struct sock_filter insns[BPF_MAXINSNS];
	struct sock_fprog prog = { opts->n_so_filter, insns };

	if (!opts->n_so_filter)
		return 0;
	for (size_t i = 0; i < opts->n_so_filter; i++)
		insns[i] = sk_filter_unpack(opts->so_filter[i]);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

int sk_opts_restore(struct fd_restore *restore, const struct fd_file *file, int fd, const SkOptsEntry *opts)
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
		r = sk_get_number(fd, SOL_SOCKET, o->name, &now);
		if (sk_option_is_unknown(r) && !wanted)
			r = 0;
		else if (!r && now != wanted && setsockopt(fd, SOL_SOCKET, o->name, &wanted, sizeof(wanted)) < 0)
			r = -errno;
	}
	if (!r)
		r = set_special(fd, opts);
	if (!r)
		r = set_filter(fd, opts);
	if (!r)
		r = sk_extra_restore(restore, file, fd);
	return r < 0 ? cr_fail_errno(restore->ctx, r, "Can't set the options of the socket of file %u", file->id) : 0;
}

int sk_shut_down(int fd, SkShutdown how)
{
	static const int hows[] = { [SK_SHUTDOWN__READ] = SHUT_RD, SHUT_WR, SHUT_RDWR };

	if (how == SK_SHUTDOWN__NONE)
		return 0;
	return shutdown(fd, hows[how]) < 0 && errno != ENOTCONN ? -errno : 0;
}
