/* SPDX-License-Identifier: GPL-2.0 */
/* Lists unix sockets: sock_diag(7), netlink(7). */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/unix.h"

static int info_compare(const void *x, const void *y)
{
	const struct unix_info *a = x, *b = y;

	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

const struct unix_info *unix_info_find(const struct unix_infos *infos, uint32_t ino)
{
	struct unix_info key = { .ino = ino };

	return infos->nr ? bsearch(&key, infos->v, infos->nr, sizeof(key), info_compare) : NULL;
}

static int ask(int fd)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} request = {
		.head = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.body = {
			.sdiag_family = AF_UNIX,
			.udiag_states = ~0u,
			.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN,
		},
	};

	return send(fd, &request, sizeof(request), 0) == sizeof(request) ? 0 : -errno;
}

static int add_waiting(struct unix_infos *infos, uint32_t listener, const uint32_t *clients, size_t nr)
{
	struct unix_waiting *grown = reallocarray(infos->waiting, infos->nr_waiting + nr + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	infos->waiting = grown;
	for (size_t i = 0; i < nr; i++)
		grown[infos->nr_waiting++] = (struct unix_waiting){ listener, clients[i] };
	return 0;
}

static int add(struct unix_infos *infos, const struct nlmsghdr *head)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(head);
	struct unix_info *info = infos->v;
	int left;

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*msg)))
		return -EBADMSG;
	if (!(infos->nr & (infos->nr - 1)))
		info = reallocarray(infos->v, infos->nr ? 2 * infos->nr : 1, sizeof(*info));
	if (!info)
		return -ENOMEM;
	infos->v = info;
	info += infos->nr++;
	*info = (struct unix_info){ .ino = msg->udiag_ino, .type = msg->udiag_type, .state = msg->udiag_state };
	left = head->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));
	for (struct rtattr *a = (void *)(msg + 1); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		size_t len = RTA_PAYLOAD(a);
		struct unix_diag_rqlen queues;

		if (a->rta_type == UNIX_DIAG_NAME) {
			if (len > sizeof(info->name))
				return -EBADMSG;
			info->name_len = len;
			memcpy(info->name, RTA_DATA(a), len);
		} else if (a->rta_type == UNIX_DIAG_ICONS) {
			int r = add_waiting(infos, info->ino, RTA_DATA(a), len / sizeof(uint32_t));

			if (r < 0)
				return r;
		} else if (a->rta_type == UNIX_DIAG_PEER && len >= sizeof(info->peer))
			memcpy(&info->peer, RTA_DATA(a), sizeof(info->peer));
		else if (a->rta_type == UNIX_DIAG_SHUTDOWN && len >= sizeof(info->shutdown))
			memcpy(&info->shutdown, RTA_DATA(a), sizeof(info->shutdown));
		else if (a->rta_type == UNIX_DIAG_RQLEN && len >= sizeof(queues)) {
			memcpy(&queues, RTA_DATA(a), sizeof(queues));
			info->wqueue = queues.udiag_wqueue;
		}
	}
	return 0;
}

/* 1: there is more; 0: that was the last. */
static int read_some(int fd, struct unix_infos *infos)
{
	char buf[32768] __attribute__((aligned(8)));
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	unsigned int left = n;

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		int r;

		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *error = NLMSG_DATA(h);

			return error->error ?: -EBADMSG;
		}
		r = add(infos, h);
		if (r < 0)
			return r;
	}
	return 1;
}

int unix_diag_read(struct unix_infos *ret)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int r;

	if (fd < 0)
		return -errno;
	r = ask(fd);
	if (r < 0)
		return r;
	do
		r = read_some(fd, ret);
	while (r > 0);
	if (ret->nr)
		qsort(ret->v, ret->nr, sizeof(*ret->v), info_compare);
	return r;
}

void unix_infos_free(struct unix_infos *infos)
{
	free(infos->v);
	free(infos->waiting);
	*infos = (struct unix_infos){};
}
