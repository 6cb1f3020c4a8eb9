/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Options that the entries of sockets have no member for: sk-extra.img. One is stored where it differs from that of a
 * new socket of the same kind, so the kernel's and the system's defaults needn't be known.
 */
#include <errno.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/sk.h"

#define VALUE_MAX 64 /* bytes */

/* Names that are newer than the headers of some systems; the numbers are the kernel's interface. */
enum {
	OPT_SO_TIMESTAMP_NEW = 63,
	OPT_SO_TIMESTAMPNS_NEW = 64,
	OPT_SO_TIMESTAMPING_NEW = 65,
	OPT_SO_PREFER_BUSY_POLL = 69,
	OPT_SO_RESERVE_MEM = 73,
	OPT_SO_TXREHASH = 74,
	OPT_SO_RCVMARK = 75,
	OPT_SO_PASSPIDFD = 76,
	OPT_SO_RCVPRIORITY = 82,
	OPT_SO_PASSRIGHTS = 83,
	OPT_IP_RECVERR_RFC4884 = 26,
	OPT_IP_LOCAL_PORT_RANGE = 51,
	OPT_IPV6_RECVERR_RFC4884 = 31,
	OPT_TCP_RTO_MAX_MS = 44,
	OPT_TCP_RTO_MIN_US = 45,
	OPT_TCP_DELACK_MAX_US = 46,
	OPT_UDPLITE_SEND_CSCOV = 10,
	OPT_UDPLITE_RECV_CSCOV = 11,
};

struct extra_option {
	int level, name;
	enum extra_where {
		ANY,
		STREAM,		 /* the kernel itself changes it in others */
		PACKET,		 /* streams can't have it set */
		IN_V6,		 /* others have a member for it */
		NEVER_CONNECTED, /* connecting changes it */
	} where;
};

/* In the order in which they are set: what others depend on, or make unchangeable, is where it has to be. */
static const struct extra_option table[] = {
	{ SOL_SOCKET, SO_DEBUG, ANY },
	{ SOL_SOCKET, SO_TIMESTAMP, ANY },
	{ SOL_SOCKET, SO_TIMESTAMPNS, ANY },
	{ SOL_SOCKET, SO_TIMESTAMPING, ANY },
	{ SOL_SOCKET, OPT_SO_TIMESTAMP_NEW, ANY },
	{ SOL_SOCKET, OPT_SO_TIMESTAMPNS_NEW, ANY },
	{ SOL_SOCKET, OPT_SO_TIMESTAMPING_NEW, ANY },
	{ SOL_SOCKET, SO_RXQ_OVFL, ANY },
	{ SOL_SOCKET, SO_WIFI_STATUS, ANY },
	{ SOL_SOCKET, SO_NOFCS, ANY },
	{ SOL_SOCKET, SO_SELECT_ERR_QUEUE, ANY },
	{ SOL_SOCKET, SO_BUSY_POLL, ANY },
	{ SOL_SOCKET, OPT_SO_PREFER_BUSY_POLL, ANY },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, ANY },
	{ SOL_SOCKET, SO_INCOMING_CPU, STREAM },
	{ SOL_SOCKET, SO_ZEROCOPY, ANY },
	{ SOL_SOCKET, SO_TXTIME, ANY },
	{ SOL_SOCKET, OPT_SO_RESERVE_MEM, ANY },
	{ SOL_SOCKET, OPT_SO_TXREHASH, NEVER_CONNECTED },
	{ SOL_SOCKET, OPT_SO_RCVMARK, ANY },
	{ SOL_SOCKET, OPT_SO_PASSPIDFD, ANY },
	{ SOL_SOCKET, OPT_SO_RCVPRIORITY, ANY },
	{ SOL_SOCKET, OPT_SO_PASSRIGHTS, ANY },
	{ IPPROTO_IP, IP_TOS, IN_V6 },
	{ IPPROTO_IP, IP_TTL, IN_V6 },
	{ IPPROTO_IP, IP_PKTINFO, IN_V6 },
	{ IPPROTO_IP, IP_TRANSPARENT, ANY },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, ANY },
	{ IPPROTO_IP, OPT_IP_LOCAL_PORT_RANGE, ANY },
	{ IPPROTO_IP, IP_OPTIONS, ANY },
	{ IPPROTO_IP, IP_RECVOPTS, ANY },
	{ IPPROTO_IP, IP_RETOPTS, ANY },
	{ IPPROTO_IP, IP_MTU_DISCOVER, ANY },
	{ IPPROTO_IP, IP_RECVERR, ANY },
	{ IPPROTO_IP, OPT_IP_RECVERR_RFC4884, ANY },
	{ IPPROTO_IP, IP_RECVTTL, ANY },
	{ IPPROTO_IP, IP_RECVTOS, ANY },
	{ IPPROTO_IP, IP_PASSSEC, ANY },
	{ IPPROTO_IP, IP_RECVORIGDSTADDR, ANY },
	{ IPPROTO_IP, IP_MINTTL, ANY },
	{ IPPROTO_IP, IP_CHECKSUM, ANY },
	{ IPPROTO_IP, IP_RECVFRAGSIZE, ANY },
	{ IPPROTO_IP, IP_MULTICAST_IF, PACKET },
	{ IPPROTO_IP, IP_MULTICAST_TTL, PACKET },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, PACKET },
	{ IPPROTO_IP, IP_MULTICAST_ALL, PACKET },
	{ IPPROTO_IP, IP_UNICAST_IF, ANY },
	{ IPPROTO_IPV6, IPV6_TRANSPARENT, ANY },
	{ IPPROTO_IPV6, IPV6_2292PKTINFO, ANY },
	{ IPPROTO_IPV6, IPV6_2292HOPOPTS, ANY },
	{ IPPROTO_IPV6, IPV6_2292DSTOPTS, ANY },
	{ IPPROTO_IPV6, IPV6_2292RTHDR, ANY },
	{ IPPROTO_IPV6, IPV6_2292HOPLIMIT, ANY },
	{ IPPROTO_IPV6, IPV6_FLOWINFO, ANY },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, ANY },
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, PACKET },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, PACKET },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, PACKET },
	{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, PACKET },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, ANY },
	{ IPPROTO_IPV6, IPV6_RECVERR, ANY },
	{ IPPROTO_IPV6, OPT_IPV6_RECVERR_RFC4884, ANY },
	{ IPPROTO_IPV6, IPV6_FLOWINFO_SEND, ANY },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, ANY },
	{ IPPROTO_IPV6, IPV6_RECVHOPOPTS, ANY },
	{ IPPROTO_IPV6, IPV6_RECVRTHDR, ANY },
	{ IPPROTO_IPV6, IPV6_RECVDSTOPTS, ANY },
	{ IPPROTO_IPV6, IPV6_RECVPATHMTU, ANY },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, ANY },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, ANY },
	{ IPPROTO_IPV6, IPV6_TCLASS, ANY },
	{ IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, ANY },
	{ IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, ANY },
	{ IPPROTO_IPV6, IPV6_MINHOPCOUNT, ANY },
	{ IPPROTO_IPV6, IPV6_ORIGDSTADDR, ANY },
	{ IPPROTO_IPV6, IPV6_UNICAST_IF, ANY },
	{ IPPROTO_IPV6, IPV6_RECVFRAGSIZE, ANY },
	{ IPPROTO_IPV6, IPV6_CHECKSUM, ANY },
	{ IPPROTO_IPV6, IPV6_HOPOPTS, ANY },
	{ IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, ANY },
	{ IPPROTO_IPV6, IPV6_RTHDR, ANY },
	{ IPPROTO_IPV6, IPV6_DSTOPTS, ANY },
	{ IPPROTO_TCP, TCP_CONGESTION, ANY },
	{ IPPROTO_TCP, TCP_MAXSEG, NEVER_CONNECTED },
	{ IPPROTO_TCP, TCP_SYNCNT, ANY },
	{ IPPROTO_TCP, TCP_LINGER2, ANY },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, ANY },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, NEVER_CONNECTED },
	{ IPPROTO_TCP, TCP_QUICKACK, NEVER_CONNECTED },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, ANY },
	{ IPPROTO_TCP, TCP_THIN_DUPACK, ANY },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, ANY },
	{ IPPROTO_TCP, TCP_FASTOPEN, ANY },
	{ IPPROTO_TCP, TCP_FASTOPEN_CONNECT, ANY },
	{ IPPROTO_TCP, TCP_FASTOPEN_KEY, ANY },
	{ IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, ANY },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, ANY },
	{ IPPROTO_TCP, TCP_SAVE_SYN, ANY },
	{ IPPROTO_TCP, TCP_INQ, ANY },
	{ IPPROTO_TCP, TCP_TX_DELAY, ANY },
	{ IPPROTO_TCP, OPT_TCP_RTO_MAX_MS, ANY },
	{ IPPROTO_TCP, OPT_TCP_RTO_MIN_US, ANY },
	{ IPPROTO_TCP, OPT_TCP_DELACK_MAX_US, ANY },
	{ IPPROTO_UDP, UDP_CORK, ANY },
	{ IPPROTO_UDP, UDP_ENCAP, ANY },
	{ IPPROTO_UDP, UDP_NO_CHECK6_TX, ANY },
	{ IPPROTO_UDP, UDP_NO_CHECK6_RX, ANY },
	{ IPPROTO_UDP, UDP_SEGMENT, ANY },
	{ IPPROTO_UDP, UDP_GRO, ANY },
	{ IPPROTO_UDPLITE, OPT_UDPLITE_SEND_CSCOV, ANY },
	{ IPPROTO_UDPLITE, OPT_UDPLITE_RECV_CSCOV, ANY },
	{ SOL_NETLINK, NETLINK_PKTINFO, ANY },
	{ SOL_NETLINK, NETLINK_BROADCAST_ERROR, ANY },
	{ SOL_NETLINK, NETLINK_NO_ENOBUFS, ANY },
	{ SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, ANY },
	{ SOL_NETLINK, NETLINK_CAP_ACK, ANY },
	{ SOL_NETLINK, NETLINK_EXT_ACK, ANY },
	{ SOL_NETLINK, NETLINK_GET_STRICT_CHK, ANY },
	{ SOL_SOCKET, SO_PEEK_OFF, ANY },
	{ SOL_SOCKET, SO_LOCK_FILTER, ANY },
};

#define NR_OPTIONS (sizeof(table) / sizeof(table[0]))

/* The option's value: its length, or -errno. */
static int get_value(int fd, const struct extra_option *o, uint8_t value[VALUE_MAX])
{
	socklen_t len = VALUE_MAX;

	return getsockopt(fd, o->level, o->name, value, &len) < 0 ? -errno : (int)len;
}

static bool applies(const struct extra_option *o, int domain, int type, int protocol, bool was_connected)
{
	if ((o->where == STREAM && type != SOCK_STREAM) || (o->where == PACKET && type == SOCK_STREAM) ||
	    (o->where == IN_V6 && domain != AF_INET6) || (o->where == NEVER_CONNECTED && was_connected))
		return false;
	switch (o->level) {
	case SOL_SOCKET:
		return true;
	case SOL_NETLINK:
		return domain == AF_NETLINK;
	case IPPROTO_IP:
		return domain == AF_INET || domain == AF_INET6;
	case IPPROTO_IPV6:
		return domain == AF_INET6;
	default: /* of UDP-lite as well, which is one more kind of UDP */
		return (domain == AF_INET || domain == AF_INET6) && type != SOCK_RAW &&
		       (o->level == protocol || (o->level == IPPROTO_UDP && protocol == IPPROTO_UDPLITE));
	}
}

/* Room for the entry of one socket. */
struct extra {
	SkExtraEntry entry;
	SkExtraOption options[NR_OPTIONS], *pointers[NR_OPTIONS];
	uint8_t values[NR_OPTIONS][VALUE_MAX];
};

static int collect(struct fd_dump *dump, const struct fd_object *obj, bool was_connected, struct extra *ret)
{
	_cleanup_close_ int fresh = -1;
	int domain, type, protocol, r;

	r = sk_get_number(obj->fd, SOL_SOCKET, SO_DOMAIN, &domain);
	if (!r)
		r = sk_get_number(obj->fd, SOL_SOCKET, SO_TYPE, &type);
	if (!r)
		r = sk_get_number(obj->fd, SOL_SOCKET, SO_PROTOCOL, &protocol);
	if (r < 0)
		return r;
	fresh = socket(domain, type | SOCK_CLOEXEC, protocol);
	if (fresh < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't make a socket like it", FD_WHO_ARGS(obj));
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		const struct extra_option *o = &table[i];
		SkExtraOption *option = &ret->options[ret->entry.n_options];
		uint8_t *value = ret->values[i], usual[VALUE_MAX];
		int len, usual_len;

		if (!applies(o, domain, type, protocol, was_connected))
			continue;
		len = get_value(obj->fd, o, value);
		if (len < 0) {
			if (sk_option_is_unknown(len))
				continue;
			return len;
		}
		usual_len = get_value(fresh, o, usual);
		if (len == usual_len && !memcmp(value, usual, len))
			continue;
		sk_extra_option__init(option);
		option->level = o->level;
		option->name = o->name;
		option->value.data = value;
		option->value.len = len;
		ret->pointers[ret->entry.n_options++] = option;
	}
	return 0;
}

int sk_extra_dump(struct fd_dump *dump, const struct fd_object *obj, bool was_connected,
		  const struct sk_unix_extra *of_unix)
{
	_cleanup_free_ struct extra *extra = calloc(1, sizeof(*extra));
	int r;

	if (!extra)
		return -ENOMEM;
	sk_extra_entry__init(&extra->entry);
	r = collect(dump, obj, was_connected, extra);
	if (r < 0)
		return r;
	extra->entry.id = obj->id;
	extra->entry.options = extra->pointers;
	extra->entry.has_uid = obj->st.st_uid;
	extra->entry.uid = obj->st.st_uid;
	extra->entry.has_gid = obj->st.st_gid;
	extra->entry.gid = obj->st.st_gid;
	if (of_unix) {
		extra->entry.peer = of_unix->peer;
		extra->entry.waiting = of_unix->waiting;
		extra->entry.n_waiting = of_unix->nr_waiting;
	}
	if (!extra->entry.n_options && !extra->entry.has_uid && !extra->entry.has_gid && !extra->entry.peer &&
	    !extra->entry.n_waiting)
		return 0;
	return fd_dump_append(dump, IMG_SK_EXTRA, &extra->entry.base, NULL, 0);
}

/* ---- restore ------------------------------------------------------------------------------------------------- */

static bool is_known(const SkExtraOption *option)
{
	for (size_t i = 0; i < NR_OPTIONS; i++)
		if (option->level == (uint32_t)table[i].level && option->name == (uint32_t)table[i].name)
			return true;
	return false;
}

/* Takes ENTRY over. */
static int add_entry(struct fd_restore *restore, SkExtraEntry *entry)
{
	struct fd_file *file = fd_file_find(restore, entry->id);
	int r = 0;

	if (!file || file->sk_extra ||
	    (file->ops->type != FD_TYPES__UNIXSK && file->ops->type != FD_TYPES__INETSK &&
	     file->ops->type != FD_TYPES__NETLINKSK))
		r = cr_fail(restore->ctx, -EBADMSG, "sk-extra.img: there is no socket %u, or two entries for it",
			    entry->id);
	for (size_t i = 0; i < entry->n_options && !r; i++) {
		const SkExtraOption *option = entry->options[i];

		if (!is_known(option))
			r = cr_fail(restore->ctx, -EOPNOTSUPP,
				    "sk-extra.img: file %u: the option %u of level %u isn't supported", entry->id,
				    option->name, option->level);
		else if (option->value.len > VALUE_MAX || entry->n_options > NR_OPTIONS)
			r = cr_fail(restore->ctx, -EBADMSG, "sk-extra.img: file %u: impossible options", entry->id);
	}
	if (r < 0)
		sk_extra_entry__free_unpacked(entry, NULL);
	else
		file->sk_extra = entry;
	return r;
}

int sk_extra_read(struct fd_restore *restore)
{
	_cleanup_image_ struct image *img = NULL;
	int r = image_open(restore->dirfd, IMG_SK_EXTRA, &img);

	if (r == -ENOENT)
		return 0;
	while (r >= 0) {
		ProtobufCMessage *msg;

		r = image_read(img, &msg);
		if (!r)
			return 0;
		if (r > 0)
			r = add_entry(restore, (SkExtraEntry *)msg);
	}
	return cr_fail_errno(restore->ctx, r, "Can't read sk-extra.img");
}

int sk_extra_restore(struct fd_restore *restore, const struct fd_file *file, int fd)
{
	const SkExtraEntry *entry = file->sk_extra;

	if (!entry)
		return 0;
	/* The user is what others of a SO_REUSEPORT group are compared by. */
	if ((entry->has_uid || entry->has_gid) && fchown(fd, entry->uid, entry->gid) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't set the owner of the socket of file %u", file->id);
	for (size_t i = 0; i < entry->n_options; i++) {
		const SkExtraOption *o = entry->options[i];

		if (setsockopt(fd, o->level, o->name, o->value.data, o->value.len) < 0)
			return cr_fail_errno(restore->ctx, -errno, "Can't set the option %u of level %u of file %u",
					     o->name, o->level, file->id);
	}
	return 0;
}
