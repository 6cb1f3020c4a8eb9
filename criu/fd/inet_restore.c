/* SPDX-License-Identifier: GPL-2.0 */
/* Internet sockets at restore. */
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/inet.h"

static const char *kind_of(const InetSkEntry *sk)
{
	switch (sk->type) {
	case SOCK_STREAM:
		return "TCP";
	case SOCK_RAW:
		return "raw";
	default:
		return sk->proto == IPPROTO_UDP || sk->proto == IPPROTO_UDPLITE ? "UDP" : "ICMP";
	}
}

static int check_kind(struct fd_restore *restore, struct fd_file *file)
{
	const InetSkEntry *sk = file->entry->isk;
	bool v6 = sk->family == AF_INET6, known;

	if (sk->family != AF_INET && !v6)
		return fd_bad(restore, file, "an unknown family");
	if (sk->type == SOCK_STREAM)
		known = sk->proto == IPPROTO_TCP;
	else if (sk->type == SOCK_DGRAM)
		known = sk->proto == IPPROTO_UDP || sk->proto == IPPROTO_UDPLITE ||
			sk->proto == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	else
		known = sk->type == SOCK_RAW && sk->proto <= UINT16_MAX;
	if (!known)
		return fd_bad(restore, file, "an unknown type or protocol");
	if (sk->state == TCP_CLOSE || (sk->type == SOCK_STREAM && sk->state == TCP_LISTEN) ||
	    (sk->type != SOCK_STREAM && sk->state == TCP_ESTABLISHED))
		return 0;
	if (sk->type == SOCK_STREAM && sk->state && sk->state <= TCP_CLOSING)
		return cr_fail(restore->ctx, -EOPNOTSUPP, "files.img: file %u: a TCP connection isn't supported",
			       file->id);
	return fd_bad(restore, file, "an unknown state");
}

static bool is_byte(protobuf_c_boolean has, uint32_t value)
{
	return !has || value <= UINT8_MAX;
}

int inet_check(struct fd_restore *restore, struct fd_file *file)
{
	const InetSkEntry *sk = file->entry->isk;
	const IpOptsEntry *ip = sk->ip_opts;
	const TcpOptsEntry *tcp = sk->tcp_opts;
	int r = check_kind(restore, file);

	if (r < 0)
		return r;
	if (sk->n_src_addr != inet_addr_words(sk->family) || sk->n_dst_addr != sk->n_src_addr)
		return fd_bad(restore, file, "addresses of another family");
	if (sk->src_port > UINT16_MAX || sk->dst_port > UINT16_MAX)
		return fd_bad(restore, file, "an impossible port");
	if (sk->backlog > INT32_MAX || (sk->has_shutdown && (unsigned int)sk->shutdown > SK_SHUTDOWN__BOTH))
		return fd_bad(restore, file, "an impossible backlog or shutdown");
	if (sk->ifname && strlen(sk->ifname) >= IF_NAMESIZE)
		return fd_bad(restore, file, "the name of an impossible device");
	if (ip && (!is_byte(ip->has_tos, ip->tos) || !is_byte(ip->has_ttl, ip->ttl)))
		return fd_bad(restore, file, "an impossible IP option");
	if (ip && ip->raw && ip->raw->n_icmpv_filter && ip->raw->n_icmpv_filter != (sk->family == AF_INET6 ? 8 : 1))
		return fd_bad(restore, file, "an impossible filter");
	if (tcp && (tcp->keepcnt > INT32_MAX || tcp->keepidle > INT32_MAX || tcp->keepintvl > INT32_MAX))
		return fd_bad(restore, file, "an impossible TCP option");
	return sk_opts_check(restore, file, sk->opts);
}

void inet_key(const struct fd_restore *restore, const struct fd_file *file, char *key)
{
	snprintf(key, FD_KEY_MAX, "socket:[%u]", file->entry->isk->ino);
}

/* Sets the option unless it is so already. */
static int set_number(int fd, int level, int name, int value)
{
	int now, r = sk_get_number(fd, level, name, &now);

	if (r < 0 || now == value)
		return r;
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_raw_options(int fd, const InetSkEntry *sk, const IpOptsRawEntry *raw)
{
	bool v6 = sk->family == AF_INET6;
	int r = v6 ? set_number(fd, IPPROTO_IPV6, IPV6_HDRINCL, raw->hdrincl)
		   : set_number(fd, IPPROTO_IP, IP_HDRINCL, raw->hdrincl);

	if (!r && !v6 && raw->nodefrag)
		r = set_number(fd, IPPROTO_IP, IP_NODEFRAG, 1);
	if (!r && !v6 && raw->checksum)
		r = set_number(fd, IPPROTO_IP, IP_CHECKSUM, 1);
	if (r < 0 || !raw->n_icmpv_filter)
		return r;
	return setsockopt(fd, v6 ? IPPROTO_ICMPV6 : SOL_RAW, v6 ? ICMP6_FILTER : INET_ICMP_FILTER, raw->icmpv_filter,
			  raw->n_icmpv_filter * sizeof(raw->icmpv_filter[0])) < 0
		       ? -errno
		       : 0;
}

static int set_ip_options(int fd, const InetSkEntry *sk)
{
	const IpOptsEntry *ip = sk->ip_opts;
	bool v6 = sk->family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, r = 0;

	if (v6 && sk->has_v6only)
		r = set_number(fd, level, IPV6_V6ONLY, sk->v6only);
	if (!ip || r < 0)
		return r;
	if (ip->has_freebind)
		r = set_number(fd, level, v6 ? IPV6_FREEBIND : IP_FREEBIND, ip->freebind);
	if (!r && ip->has_pktinfo)
		r = set_number(fd, level, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, ip->pktinfo);
	if (!r && ip->has_tos && !v6)
		r = set_number(fd, level, IP_TOS, ip->tos);
	if (!r && ip->has_ttl && !v6)
		r = set_number(fd, level, IP_TTL, ip->ttl);
	return !r && sk->type == SOCK_RAW && ip->raw ? set_raw_options(fd, sk, ip->raw) : r;
}

/* Older sets have the three numbers among the options of every socket. */
static int set_tcp_options(int fd, const InetSkEntry *sk)
{
	static const TcpOptsEntry none = TCP_OPTS_ENTRY__INIT;
	const TcpOptsEntry *tcp = sk->tcp_opts ?: &none;
	const SkOptsEntry *opts = sk->opts;
	int r = 0;

	if (sk->type != SOCK_STREAM)
		return 0;
	if (tcp->has_keepcnt || opts->has_tcp_keepcnt)
		r = set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, tcp->has_keepcnt ? tcp->keepcnt : opts->tcp_keepcnt);
	if (!r && (tcp->has_keepidle || opts->has_tcp_keepidle))
		r = set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, tcp->has_keepidle ? tcp->keepidle : opts->tcp_keepidle);
	if (!r && (tcp->has_keepintvl || opts->has_tcp_keepintvl))
		r = set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL,
			       tcp->has_keepintvl ? tcp->keepintvl : opts->tcp_keepintvl);
	if (!r && tcp->has_nodelay)
		r = set_number(fd, IPPROTO_TCP, TCP_NODELAY, tcp->nodelay);
	if (!r && tcp->has_cork)
		r = set_number(fd, IPPROTO_TCP, TCP_CORK, tcp->cork);
	return r;
}

static void address_of(const InetSkEntry *sk, const uint32_t *words, uint32_t port, union inet_addr *ret)
{
	inet_addr_unpack(sk->family, words, port, ret);
	if (sk->family == AF_INET6 && sk->ifname && IN6_IS_ADDR_LINKLOCAL(&ret->v6.sin6_addr))
		ret->v6.sin6_scope_id = if_nametoindex(sk->ifname);
}

/*
 * Connections of the dumped tasks that are just ending keep a port from being bound, even if nobody listens there;
 * SO_REUSEADDR helps, and is then taken back. Where another socket listens, listen(2) fails.
 */
static int bind_address(int fd, const InetSkEntry *sk, const union inet_addr *addr)
{
	int r = bind(fd, &addr->any, inet_addr_len(sk->family)) < 0 ? -errno : 0;

	if (r != -EADDRINUSE || sk->type != SOCK_STREAM || sk->opts->reuseaddr)
		return r;
	r = set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!r && bind(fd, &addr->any, inet_addr_len(sk->family)) < 0)
		r = -errno;
	return r < 0 ? r : set_number(fd, SOL_SOCKET, SO_REUSEADDR, 0);
}

/* A raw socket's port is its protocol. */
static bool is_bound(const InetSkEntry *sk)
{
	return (sk->src_port && sk->type != SOCK_RAW) || !inet_addr_is_any(sk->family, sk->src_addr);
}

static int name_socket(struct fd_restore *restore, const struct fd_file *file, int fd)
{
	const InetSkEntry *sk = file->entry->isk;
	char text[INET_ADDR_TEXT];
	union inet_addr addr;
	int r = 0;

	address_of(sk, sk->src_addr, sk->src_port, &addr);
	inet_addr_text(&addr, text);
	if (is_bound(sk))
		r = bind_address(fd, sk, &addr);
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't bind a %s socket (file %u) to %s", kind_of(sk), file->id,
				     text);
	if (sk->state == TCP_LISTEN && listen(fd, sk->backlog) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't listen on %s by TCP (file %u)", text, file->id);
	if (sk->state != TCP_ESTABLISHED)
		return 0;
	address_of(sk, sk->dst_addr, sk->dst_port, &addr);
	inet_addr_text(&addr, text);
	if (connect(fd, &addr.any, inet_addr_len(sk->family)) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't connect a %s socket (file %u) to %s", kind_of(sk),
				     file->id, text);
	return 0;
}

int inet_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	const InetSkEntry *sk = file->entry->isk;
	_cleanup_close_ int fd = socket(sk->family, sk->type | SOCK_CLOEXEC, sk->proto);
	int r = fd < 0 ? -errno : 0;

	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't make a %s socket", kind_of(sk));
	r = set_ip_options(fd, sk);
	if (!r)
		r = set_tcp_options(fd, sk);
	if (!r) /* behind the type of service, which changes the priority */
		r = sk_opts_restore(restore, file, fd, sk->opts);
	if (!r)
		r = name_socket(restore, file, fd);
	if (!r && sk->has_shutdown)
		r = sk_shut_down(fd, sk->shutdown);
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't set up a %s socket", kind_of(sk));
	*ret = take_fd(fd);
	return 0;
}
