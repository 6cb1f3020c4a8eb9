/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets and networks: netlink(7), rtnetlink(7), sock_diag(7), tcp(7), ip(7), Documentation/networking/tuntap.rst. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/inet_diag.h>
#include <linux/net_namespace.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <linux/un.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/probes.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

#define OWN_INDEX  4242 /* of a device made in a network namespace of its own */
#define PEER_INDEX 4243
#define NO_NETNS   0x7ffffff0 /* the id of no network namespace */

struct request {
	struct nlmsghdr head;
	char rest[508];
};

static struct request request(uint16_t type, uint16_t flags)
{
	return (struct request){
		.head = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags }
	};
}

static void *put(struct request *r, const void *data, size_t len)
{
	void *at = (char *)r + r->head.nlmsg_len;

	cr_assert(r->head.nlmsg_len + NLMSG_ALIGN(len) <= sizeof(*r));
	if (data)
		memcpy(at, data, len);
	r->head.nlmsg_len += NLMSG_ALIGN(len);
	return at;
}

static struct rtattr *put_attr(struct request *r, uint16_t type, const void *data, size_t len)
{
	struct rtattr attr = { .rta_type = type, .rta_len = RTA_LENGTH(len) };
	struct rtattr *at = put(r, &attr, sizeof(attr));

	if (len)
		put(r, data, len);
	return at;
}

static void end_nest(struct request *r, struct rtattr *nest)
{
	nest->rta_len = (char *)r + r->head.nlmsg_len - (char *)nest;
}

/* Sends R and reads the first answer: 0, or the -errno that it carries. */
static int ask(int protocol, const struct request *r)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	union {
		struct nlmsghdr head;
		char bytes[16384];
	} answer;
	const struct nlmsgerr *error = NLMSG_DATA(&answer.head);
	struct timeval patience = { .tv_sec = 2 };
	ssize_t len;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, r, r->head.nlmsg_len, 0) < 0)
		return -errno;
	len = recv(fd, &answer, sizeof(answer), 0);
	if (len < 0)
		return -errno;
	if (len < (ssize_t)NLMSG_LENGTH(sizeof(*error)) || answer.head.nlmsg_type != NLMSG_ERROR)
		return 0;
	return error->error;
}

static int own_network(void)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
}

int probe_tun(void)
{
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	unsigned int features;

	return fd < 0 || ioctl(fd, TUNGETFEATURES, &features) < 0 ? -errno : 0;
}

static int try_tun_ns(void)
{
	_cleanup_close_ int fd = -1, ns = -1;
	struct ifreq device = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int err = own_network();

	if (err)
		return err;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &device) < 0)
		return -errno;
	ns = ioctl(fd, TUNGETDEVNETNS);
	return ns < 0 ? -errno : 0;
}

int probe_tun_ns(void)
{
	return probe_in_child(try_tun_ns);
}

/* Repair mode on a connection that one side has shut down. */
int probe_tcp_half_closed(void)
{
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int repair = 1;

	if (listener < 0 || client < 0 || bind(listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&address, &len) < 0 ||
	    connect(client, (struct sockaddr *)&address, len) < 0 || shutdown(client, SHUT_WR) < 0)
		return -errno;
	return setsockopt(client, IPPROTO_TCP, TCP_REPAIR, &repair, sizeof(repair)) < 0 ? -errno : 0;
}

int probe_sk_ns(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int ns = -1;

	if (fd < 0)
		return -errno;
	ns = ioctl(fd, SIOCGSKNS);
	return ns < 0 ? -errno : 0;
}

/* A socket without a file: the kernel says that, where it knows the question. */
int probe_sk_unix_file(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int file = -1;

	if (fd < 0)
		return -errno;
	file = ioctl(fd, SIOCUNIXFILE);
	return file < 0 && errno != ENOENT ? -errno : 0;
}

int probe_net_diag_raw(void)
{
	struct request r = request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 wanted = { .sdiag_family = AF_INET,
					   .sdiag_protocol = IPPROTO_RAW,
					   .idiag_states = ~0u };

	put(&r, &wanted, sizeof(wanted));
	return ask(NETLINK_SOCK_DIAG, &r);
}

int probe_nsid(void)
{
	struct request r = request(RTM_GETNSID, 0);
	struct rtgenmsg generic = { .rtgen_family = AF_UNSPEC };
	uint32_t pid = getpid();

	put(&r, &generic, sizeof(generic));
	put_attr(&r, NETNSA_PID, &pid, sizeof(pid));
	return ask(NETLINK_ROUTE, &r);
}

/* An id that no namespace has is refused, unless the attribute isn't known and our own loopback is told about. */
int probe_link_nsid(void)
{
	struct request r = request(RTM_GETLINK, 0);
	struct ifinfomsg loopback = { .ifi_index = 1 };
	int32_t id = NO_NETNS;
	int err;

	put(&r, &loopback, sizeof(loopback));
	put_attr(&r, IFLA_TARGET_NETNSID, &id, sizeof(id));
	err = ask(NETLINK_ROUTE, &r);
	if (!err)
		return -EOPNOTSUPP;
	return err == -EINVAL ? 0 : err;
}

/* A pair of devices with chosen numbers. */
static int try_newifindex(void)
{
	struct request r = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
	struct ifinfomsg own = { .ifi_index = OWN_INDEX }, peer = { .ifi_index = PEER_INDEX };
	struct rtattr *info, *data, *its_peer;
	char name[IF_NAMESIZE];
	int err = own_network();

	if (err)
		return err;
	put(&r, &own, sizeof(own));
	info = put_attr(&r, IFLA_LINKINFO, NULL, 0);
	put_attr(&r, IFLA_INFO_KIND, "veth", 5);
	data = put_attr(&r, IFLA_INFO_DATA, NULL, 0);
	its_peer = put_attr(&r, VETH_INFO_PEER, NULL, 0);
	put(&r, &peer, sizeof(peer));
	end_nest(&r, its_peer);
	end_nest(&r, data);
	end_nest(&r, info);
	err = ask(NETLINK_ROUTE, &r);
	if (err)
		return err;
	return if_indextoname(OWN_INDEX, name) && if_indextoname(PEER_INDEX, name) ? 0 : -EOPNOTSUPP;
}

int probe_newifindex(void)
{
	return probe_in_child(try_newifindex);
}

int probe_nftables(void)
{
	struct request r = request((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN, 0);
	struct nfgenmsg generic = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };

	put(&r, &generic, sizeof(generic));
	return ask(NETLINK_NETFILTER, &r);
}

static int reads_option(int family, int level, int name)
{
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int value;
	socklen_t len = sizeof(value);

	return fd < 0 || getsockopt(fd, level, name, &value, &len) < 0 ? -errno : 0;
}

int probe_sockopt_buf_lock(void)
{
	return reads_option(AF_UNIX, SOL_SOCKET, SO_BUF_LOCK);
}

int probe_ipv6_freebind(void)
{
	return reads_option(AF_INET6, IPPROTO_IPV6, IPV6_FREEBIND);
}
