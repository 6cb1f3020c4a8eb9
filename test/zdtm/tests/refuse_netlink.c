/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A netlink socket is refused by name.
 *
 * expect: refused (netlink|socket)
 */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int fd, value = 0;
	socklen_t len = sizeof(value);

	test_init(argc, argv);
	fd = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));

	test_ready();
	test_wait();

	MUST(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len));
	CHECK_EQ(value, AF_NETLINK);
	pass();
}
