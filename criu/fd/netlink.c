/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink sockets: netlink(7). Their port, the groups they are members of, and whom they talk to. */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/registry.h"
#include "fd/sk.h"

#include "sk-netlink.pb-c.h"

#define GROUP_WORDS_MAX 64

/* The kernel's states of the protocol; 7 is that of a new socket of any family. */
enum { UNCONNECTED = 0, CONNECTED = 1, CLOSED = 7 };

struct netlink_names {
	uint32_t portid, dst_portid, dst_group;
	uint32_t groups[GROUP_WORDS_MAX];
	size_t nr_groups; /* words up to the last one that isn't 0 */
};

static bool netlink_match(const struct fd_object *obj)
{
	return S_ISSOCK(obj->st.st_mode) && sk_domain(obj->fd) == AF_NETLINK;
}

static int read_names(int fd, struct netlink_names *ret)
{
	struct sockaddr_nl own = {}, peer = {};
	socklen_t len = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return -errno;
	len = sizeof(peer);
	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return -errno;
	ret->portid = own.nl_pid;
	ret->dst_portid = peer.nl_pid;
	ret->dst_group = ffs(peer.nl_groups);
	len = sizeof(ret->groups);
	if (getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, ret->groups, &len) < 0)
		return -errno;
	if (len > sizeof(ret->groups))
		return -EFBIG;
	ret->nr_groups = len / sizeof(ret->groups[0]);
	while (ret->nr_groups && !ret->groups[ret->nr_groups - 1])
		ret->nr_groups--;
	return 0;
}

static int check_queue(struct fd_dump *dump, const struct fd_object *obj)
{
	struct pollfd poller = { obj->fd, POLLIN, 0 };

	if (poll(&poller, 1, 0) < 0)
		return -errno;
	return poller.revents & (POLLIN | POLLERR)
		       ? fd_refuse(dump, obj, "a netlink socket with messages or errors to receive")
		       : 0;
}

static int netlink_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	_cleanup_sk_opts_ SkOptsEntry opts = SK_OPTS_ENTRY__INIT;
	NetlinkSkEntry entry = NETLINK_SK_ENTRY__INIT;
	struct netlink_names names = {};
	FownEntry fown;
	int protocol, r = sk_check_namespace(dump, obj);

	if (!r)
		r = check_queue(dump, obj);
	if (!r)
		r = sk_get_number(obj->fd, SOL_SOCKET, SO_PROTOCOL, &protocol);
	if (!r)
		r = read_names(obj->fd, &names);
	if (!r)
		r = sk_opts_dump(dump, obj, &opts);
	if (!r)
		r = sk_extra_dump(dump, obj, false, NULL);
	if (!r)
		r = fown_dump(dump, obj, &fown);
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't dump the netlink socket", FD_WHO_ARGS(obj));
	entry.id = obj->id;
	entry.ino = obj->st.st_ino;
	entry.protocol = protocol;
	entry.state = names.dst_portid || names.dst_group ? CONNECTED : names.portid ? CLOSED : UNCONNECTED;
	entry.flags = obj->flags;
	entry.portid = names.portid;
	entry.groups = names.groups;
	entry.n_groups = names.nr_groups;
	entry.dst_portid = names.dst_portid;
	entry.dst_group = names.dst_group;
	entry.fown = &fown;
	entry.opts = &opts;
	return fd_dump_write(dump, FD_TYPES__NETLINKSK, obj->id, &entry.base);
}

static int netlink_check(struct fd_restore *restore, struct fd_file *file)
{
	const NetlinkSkEntry *entry = file->entry->nlsk;

	if (entry->protocol > INT32_MAX || entry->n_groups > GROUP_WORDS_MAX)
		return fd_bad(restore, file, "an impossible protocol or groups");
	if (entry->dst_group > 32)
		return fd_bad(restore, file, "a group that nobody can connect to");
	return sk_opts_check(restore, file, entry->opts);
}

static void netlink_key(const struct fd_restore *restore, const struct fd_file *file, char *key)
{
	snprintf(key, FD_KEY_MAX, "socket:[%u]", file->entry->nlsk->ino);
}

static int join_groups(int fd, const NetlinkSkEntry *entry)
{
	for (size_t i = 0; i < entry->n_groups * 32; i++) {
		int group = i + 1;

		if ((entry->groups[i / 32] & 1u << i % 32) &&
		    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
			return -errno;
	}
	return 0;
}

static int netlink_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	const NetlinkSkEntry *entry = file->entry->nlsk;
	struct sockaddr_nl own = { .nl_family = AF_NETLINK, .nl_pid = entry->portid };
	struct sockaddr_nl peer = { .nl_family = AF_NETLINK, .nl_pid = entry->dst_portid };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, entry->protocol);
	int r;

	if (fd < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't make a netlink socket of protocol %u",
				     entry->protocol);
	if (entry->portid && bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't bind a netlink socket (file %u) to port %u", file->id,
				     entry->portid);
	r = join_groups(fd, entry);
	if (!r)
		r = sk_opts_restore(restore, file, fd, entry->opts);
	if (r < 0)
		return r;
	peer.nl_groups = entry->dst_group ? 1u << (entry->dst_group - 1) : 0;
	if ((entry->dst_portid || entry->dst_group) && connect(fd, (struct sockaddr *)&peer, sizeof(peer)) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't connect a netlink socket (file %u) to port %u",
				     file->id, entry->dst_portid);
	*ret = take_fd(fd);
	return 0;
}

const struct fd_ops netlink_ops = {
	.name = "a netlink socket",
	.type = FD_TYPES__NETLINKSK,
	.member = offsetof(FileEntry, nlsk),
	.old_kind = IMG_NETLINK_SK,
	.match = netlink_match,
	.dump = netlink_dump,
	.check = netlink_check,
	.key = netlink_key,
	.open = netlink_open,
};
