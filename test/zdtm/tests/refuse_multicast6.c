/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A socket of IPv6 that is a member of a multicast group is refused by name.
 *
 * expect: refused multicast group
 */
#include "inet_test.h"

int main(int argc, char **argv)
{
	struct ipv6_mreq v6 = { .ipv6mr_interface = 1 };
	int fd;

	test_init(argc, argv);
	fd = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
	v6.ipv6mr_multiaddr = address("ff02::1:2345", 0).v6.sin6_addr;
	MUST(setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &v6, sizeof(v6)));

	test_ready();
	test_wait();

	pass();
}
