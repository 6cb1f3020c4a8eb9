/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A netlink socket with an answer that nobody has received yet is refused by name.
 *
 * expect: refused netlink socket with messages
 */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct nlmsghdr request = { sizeof(request), NLMSG_MIN_TYPE, NLM_F_REQUEST | NLM_F_ACK, 1, 0 };
	char buf[200];
	int fd;

	test_init(argc, argv);
	fd = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	CHECK_EQ(send(fd, &request, sizeof(request), 0), sizeof(request));

	test_ready();
	test_wait();

	CHECK(recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0);
	pass();
}
