/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Netlink sockets keep port, groups, peer and options, and the kernel answers them again.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "zdtm.h"

static void check_answers(int fd)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg body;
	} request = {
		.head = { sizeof(request), RTM_GETLINK, NLM_F_REQUEST, 7, 0 },
		.body = { .ifi_family = AF_UNSPEC, .ifi_index = 1 },
	};
	char buf[8192];
	struct nlmsghdr *head = (void *)buf;

	CHECK_EQ(send(fd, &request, sizeof(request), 0), sizeof(request));
	CHECK(recv(fd, buf, sizeof(buf), 0) > (ssize_t)sizeof(request));
	CHECK_EQ(head->nlmsg_type, RTM_NEWLINK);
	CHECK_EQ(head->nlmsg_seq, 7);
}

/* The kernel would choose our pid, as it does for whoever runs beside us with the same pid in another namespace. */
static uint32_t choose_port(void)
{
	uint32_t port;

	MUST(getrandom(&port, sizeof(port), 0));
	return port | 1u << 30;
}

static struct sockaddr_nl name_of(int fd)
{
	struct sockaddr_nl addr;
	socklen_t len = sizeof(addr);

	MUST(getsockname(fd, (struct sockaddr *)&addr, &len));
	return addr;
}

int main(int argc, char **argv)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_NOTIFY }, was[3], now;
	int fd[3], group = RTNLGRP_BRVLAN /* beyond the first word of groups */, value = 1;
	uint32_t groups[4] = {};
	socklen_t len = sizeof(groups);

	test_init(argc, argv);
	fd[0] = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	addr.nl_pid = choose_port();
	MUST(bind(fd[0], (struct sockaddr *)&addr, sizeof(addr)));
	MUST(setsockopt(fd[0], SOL_NETLINK, NETLINK_EXT_ACK, &value, sizeof(value)));
	fd[1] = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	addr.nl_groups = 0;
	addr.nl_pid = choose_port();
	MUST(bind(fd[1], (struct sockaddr *)&addr, sizeof(addr)));
	MUST(setsockopt(fd[1], SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)));
	fd[2] = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
	for (int i = 0; i < 3; i++)
		was[i] = name_of(fd[i]);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(setsockopt(fd[1], SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof(group)));
	for (int i = 0; i < 3; i++) {
		now = name_of(fd[i]);
		CHECK_MEM(&now, &was[i], sizeof(now));
	}
	MUST(getsockopt(fd[1], SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len));
	CHECK_EQ(groups[0], 0);
	CHECK_EQ(groups[(group - 1) / 32], 1u << (group - 1) % 32);
	value = 0;
	len = sizeof(value);
	MUST(getsockopt(fd[0], SOL_NETLINK, NETLINK_EXT_ACK, &value, &len));
	CHECK_EQ(value, 1);
	check_answers(fd[0]);
	check_answers(fd[1]);
	pass();
}
