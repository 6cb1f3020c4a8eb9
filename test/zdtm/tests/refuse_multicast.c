/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A socket that is a member of a multicast group is refused by name, and receives on.
 *
 * expect: refused multicast group
 */
#include "inet_test.h"

int main(int argc, char **argv)
{
	struct ip_mreqn v4 = { .imr_ifindex = 1 };
	union address to;
	int fd;
	char buf[8];

	test_init(argc, argv);
	fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	bind_to(fd, "0.0.0.0", 0);
	v4.imr_multiaddr = address("239.1.2.3", 0).v4.sin_addr;
	MUST(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &v4, sizeof(v4)));
	MUST(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof(v4)));

	test_ready();
	test_wait();

	to = address("239.1.2.3", port_of(fd));
	CHECK_EQ(sendto(fd, "x", 1, 0, &to.any, address_len(&to)), 1);
	CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 1);
	pass();
}
