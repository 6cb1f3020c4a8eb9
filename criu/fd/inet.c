/* SPDX-License-Identifier: GPL-2.0 */
/* Internet sockets at dump: TCP that isn't connected, UDP, and raw ones. */
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/inet.h"
#include "fd/registry.h"

#ifndef SIOCOUTQ
#define SIOCOUTQ 0x5411 /* linux/sockios.h */
#endif

/* All that an entry points to. */
struct inet_entry {
	InetSkEntry sk;
	SkOptsEntry opts;
	IpOptsEntry ip;
	IpOptsRawEntry raw;
	TcpOptsEntry tcp;
	FownEntry fown;
	uint32_t src[4], dst[4], filter[8];
	char ifname[IF_NAMESIZE];
};

static bool inet_match(const struct fd_object *obj)
{
	int domain = S_ISSOCK(obj->st.st_mode) ? sk_domain(obj->fd) : -1;

	return domain == AF_INET || domain == AF_INET6;
}

static int check_kind(struct fd_dump *dump, const struct fd_object *obj, const InetSkEntry *sk)
{
	bool v6 = sk->family == AF_INET6;

	switch (sk->type) {
	case SOCK_STREAM:
		return sk->proto == IPPROTO_TCP ? 0
						: fd_refuse(dump, obj,
							    sk->proto == IPPROTO_MPTCP ? "a multipath TCP socket"
										       : "a socket of this protocol");
	case SOCK_DGRAM:
		if (sk->proto == IPPROTO_UDP || sk->proto == IPPROTO_UDPLITE ||
		    sk->proto == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
			return 0;
		return fd_refuse(dump, obj, "a socket of this protocol");
	case SOCK_RAW:
		return 0;
	default:
		return fd_refuse(dump, obj, "a socket of this type");
	}
}

static int read_kind(struct fd_dump *dump, const struct fd_object *obj, InetSkEntry *sk)
{
	int family, type, proto, r = sk_get_number(obj->fd, SOL_SOCKET, SO_DOMAIN, &family);

	if (!r)
		r = sk_get_number(obj->fd, SOL_SOCKET, SO_TYPE, &type);
	if (!r)
		r = sk_get_number(obj->fd, SOL_SOCKET, SO_PROTOCOL, &proto);
	if (r < 0)
		return r;
	sk->family = family;
	sk->type = type;
	sk->proto = proto;
	return check_kind(dump, obj, sk);
}

/* Addresses; those of a scope (fe80::) need its device. */
static int read_names(const struct fd_object *obj, struct inet_entry *e)
{
	union inet_addr src = {}, dst = {};
	socklen_t len = sizeof(src);
	bool connected;

	if (getsockname(obj->fd, &src.any, &len) < 0)
		return -errno;
	len = sizeof(dst);
	connected = !getpeername(obj->fd, &dst.any, &len);
	if (!connected && errno != ENOTCONN)
		return -errno;
	inet_addr_pack(&src, e->src, &e->sk.src_port);
	if (connected)
		inet_addr_pack(&dst, e->dst, &e->sk.dst_port);
	e->sk.src_addr = e->src;
	e->sk.dst_addr = e->dst;
	e->sk.n_src_addr = e->sk.n_dst_addr = inet_addr_words(e->sk.family);
	if (e->sk.type != SOCK_STREAM)
		e->sk.state = connected ? TCP_ESTABLISHED : TCP_CLOSE;
	if (e->sk.family == AF_INET6 && (src.v6.sin6_scope_id || (connected && dst.v6.sin6_scope_id))) {
		if (!if_indextoname(src.v6.sin6_scope_id ?: dst.v6.sin6_scope_id, e->ifname))
			return -errno;
		e->sk.ifname = e->ifname;
	}
	return 0;
}

static int check_tcp_queue(struct fd_dump *dump, const struct fd_object *obj, const struct tcp_info *info)
{
	if (!info->tcpi_unacked || dump->opts->tcp_skip_in_flight)
		return 0;
	return cr_fail(dump->ctx, -EOPNOTSUPP,
		       FD_WHO "%u TCP connections that it hasn't accepted yet: this isn't supported; --skip-in-flight "
			      "leaves them out",
		       FD_WHO_ARGS(obj), info->tcpi_unacked);
}

static int read_tcp_state(struct fd_dump *dump, const struct fd_object *obj, struct inet_entry *e)
{
	struct pollfd poller = { obj->fd, POLLRDHUP, 0 };
	struct tcp_info info = {};
	socklen_t len = sizeof(info);
	int unread = 0;

	if (getsockopt(obj->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || poll(&poller, 1, 0) < 0)
		return -errno;
	e->sk.state = info.tcpi_state;
	if (info.tcpi_state == TCP_LISTEN) {
		e->sk.backlog = info.tcpi_sacked;
		return check_tcp_queue(dump, obj, &info);
	}
	if (info.tcpi_state != TCP_CLOSE)
		return cr_fail(dump->ctx, -EOPNOTSUPP, FD_WHO "a TCP connection isn't supported%s", FD_WHO_ARGS(obj),
			       dump->opts->tcp_established || dump->opts->tcp_close
				       ? " yet, with --tcp-established or --tcp-close neither"
				       : "");
	if (poller.revents & POLLERR)
		return fd_refuse(dump, obj, "a TCP socket with an error that nobody has seen yet");
	if (ioctl(obj->fd, FIONREAD, &unread) < 0)
		return -errno;
	if (unread)
		return fd_refuse(dump, obj, "a TCP socket that is closed, but has data to receive,");
	/* A connection's end: nothing can be received or sent any more. */
	e->sk.has_shutdown = poller.revents & POLLRDHUP;
	e->sk.shutdown = e->sk.has_shutdown ? SK_SHUTDOWN__BOTH : SK_SHUTDOWN__NONE;
	return 0;
}

/* Packets may get lost: the sender has to live with that. */
static int check_packets(struct fd_dump *dump, const struct fd_object *obj, struct inet_entry *e)
{
	struct pollfd poller = { obj->fd, POLLIN | POLLRDHUP, 0 };
	int unsent = 0, corked = 0, r = inet_is_multicast_member(obj->fd, AF_INET);

	if (!r && e->sk.family == AF_INET6)
		r = inet_is_multicast_member(obj->fd, AF_INET6);
	if (r)
		return r < 0 ? r : fd_refuse(dump, obj, "a socket that is a member of a multicast group");

	if (poll(&poller, 1, 0) < 0 || ioctl(obj->fd, SIOCOUTQ, &unsent) < 0)
		return -errno;
	if (unsent && !sk_get_number(obj->fd, IPPROTO_UDP, 1 /* UDP_CORK */, &corked) && corked)
		return fd_refuse(dump, obj, "a UDP socket with an unfinished packet (UDP_CORK)");
	if (poller.revents & POLLHUP)
		e->sk.shutdown = SK_SHUTDOWN__BOTH;
	else if (poller.revents & POLLRDHUP)
		e->sk.shutdown = SK_SHUTDOWN__READ;
	e->sk.has_shutdown = e->sk.shutdown;
	if ((poller.revents & POLLIN) && !(poller.revents & POLLRDHUP))
		log_warn(dump->ctx->log, FD_WHO "packets that it hasn't received yet are lost", FD_WHO_ARGS(obj));
	if (poller.revents & POLLERR)
		log_warn(dump->ctx->log, FD_WHO "errors that it hasn't seen yet are lost", FD_WHO_ARGS(obj));
	return 0;
}

static int read_tcp_options(struct fd_dump *dump, const struct fd_object *obj, TcpOptsEntry *tcp)
{
	char ulp[16] = "";
	socklen_t len = sizeof(ulp);
	int v, r = sk_get_number(obj->fd, IPPROTO_TCP, TCP_CORK, &v);

	if (!getsockopt(obj->fd, IPPROTO_TCP, TCP_ULP, ulp, &len) && len && ulp[0])
		return fd_refuse(dump, obj, "a TCP socket with an upper layer (TLS?)");
	tcp->has_cork = tcp->cork = v;
	if (!r)
		r = sk_get_number(obj->fd, IPPROTO_TCP, TCP_NODELAY, &v);
	tcp->has_nodelay = tcp->nodelay = v;
	if (!r)
		r = sk_get_number(obj->fd, IPPROTO_TCP, TCP_KEEPCNT, &v);
	tcp->has_keepcnt = true;
	tcp->keepcnt = v;
	if (!r)
		r = sk_get_number(obj->fd, IPPROTO_TCP, TCP_KEEPIDLE, &v);
	tcp->has_keepidle = true;
	tcp->keepidle = v;
	if (!r)
		r = sk_get_number(obj->fd, IPPROTO_TCP, TCP_KEEPINTVL, &v);
	tcp->has_keepintvl = true;
	tcp->keepintvl = v;
	return r;
}

static int read_raw_options(const struct fd_object *obj, struct inet_entry *e)
{
	bool v6 = e->sk.family == AF_INET6;
	socklen_t len = 0;
	int v, r;

	r = v6 ? sk_get_number(obj->fd, IPPROTO_IPV6, IPV6_HDRINCL, &v)
	       : sk_get_number(obj->fd, IPPROTO_IP, IP_HDRINCL, &v);
	if (r < 0)
		return r;
	e->raw.has_hdrincl = e->raw.hdrincl = v;
	if (!v6) {
		r = sk_get_number(obj->fd, IPPROTO_IP, IP_NODEFRAG, &v);
		if (r < 0)
			return r;
		e->raw.has_nodefrag = e->raw.nodefrag = v;
	}
	if (!v6 && e->sk.proto == IPPROTO_ICMP) {
		len = sizeof(e->filter[0]);
		r = getsockopt(obj->fd, SOL_RAW, INET_ICMP_FILTER, e->filter, &len);
	} else if (v6 && e->sk.proto == IPPROTO_ICMPV6) {
		len = sizeof(struct icmp6_filter);
		r = getsockopt(obj->fd, IPPROTO_ICMPV6, ICMP6_FILTER, e->filter, &len);
	}
	if (r < 0)
		return -errno;
	e->raw.icmpv_filter = e->filter;
	e->raw.n_icmpv_filter = len / sizeof(e->filter[0]);
	e->ip.raw = &e->raw;
	return 0;
}

static int read_ip_options(const struct fd_object *obj, struct inet_entry *e)
{
	bool v6 = e->sk.family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int v, r = sk_get_number(obj->fd, level, v6 ? IPV6_FREEBIND : IP_FREEBIND, &v);

	e->ip.has_freebind = e->ip.freebind = v;
	if (!r)
		r = sk_get_number(obj->fd, level, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &v);
	e->ip.has_pktinfo = e->ip.pktinfo = v;
	if (v6) {
		if (!r)
			r = sk_get_number(obj->fd, level, IPV6_V6ONLY, &v);
		e->sk.has_v6only = true;
		e->sk.v6only = v;
	} else {
		if (!r)
			r = sk_get_number(obj->fd, level, IP_TOS, &v);
		e->ip.has_tos = v;
		e->ip.tos = v;
		if (!r)
			r = sk_get_number(obj->fd, level, IP_TTL, &v);
		e->ip.has_ttl = true;
		e->ip.ttl = v;
	}
	return !r && e->sk.type == SOCK_RAW ? read_raw_options(obj, e) : r;
}

static void entry_init(struct inet_entry *e, const struct fd_object *obj)
{
	inet_sk_entry__init(&e->sk);
	ip_opts_entry__init(&e->ip);
	ip_opts_raw_entry__init(&e->raw);
	tcp_opts_entry__init(&e->tcp);
	e->sk.id = obj->id;
	e->sk.ino = obj->st.st_ino;
	e->sk.flags = obj->flags;
	e->sk.fown = &e->fown;
	e->sk.opts = &e->opts;
	e->sk.ip_opts = &e->ip;
	e->sk.tcp_opts = &e->tcp;
}

static int inet_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	struct inet_entry e = {};
	int r;

	entry_init(&e, obj);
	r = sk_check_namespace(dump, obj);
	if (!r)
		r = read_kind(dump, obj, &e.sk);
	if (!r)
		r = e.sk.type == SOCK_STREAM ? read_tcp_state(dump, obj, &e) : check_packets(dump, obj, &e);
	if (!r)
		r = read_names(obj, &e);
	if (!r)
		r = read_ip_options(obj, &e);
	if (!r && e.sk.type == SOCK_STREAM)
		r = read_tcp_options(dump, obj, &e.tcp);
	if (!r)
		r = fown_dump(dump, obj, &e.fown);
	if (!r)
		r = sk_opts_dump(dump, obj, &e.opts);
	if (!r) {
		r = sk_extra_dump(dump, obj, e.sk.type == SOCK_STREAM && e.sk.has_shutdown, NULL);
		if (!r)
			r = fd_dump_write(dump, FD_TYPES__INETSK, obj->id, &e.sk.base);
		sk_opts_free(&e.opts);
	}
	return r < 0 ? cr_fail_errno(dump->ctx, r, FD_WHO "Can't dump the socket", FD_WHO_ARGS(obj)) : 0;
}

const struct fd_ops inet_ops = {
	.name = "an internet socket",
	.type = FD_TYPES__INETSK,
	.member = offsetof(FileEntry, isk),
	.old_kind = IMG_INETSK,
	.match = inet_match,
	.dump = inet_dump,
	.check = inet_check,
	.key = inet_key,
	.open = inet_open,
};
