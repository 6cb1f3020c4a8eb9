/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Raw sockets of both families keep protocol, address, filter and who builds the header, and receive again.
 */
#include <netinet/icmp6.h>

#include "inet_test.h"

#define FILTER 1 /* ICMP_FILTER of linux/icmp.h */

int main(int argc, char **argv)
{
	uint32_t filter = ~(1u << 8); /* echo requests pass */
	struct icmp6_filter filter6, now6;
	uint8_t request[8] = { 8, 0, 0xf7, 0xff }, packet[100];
	union address to = address("127.0.0.9", 0), name;
	int icmp, icmp6, any, proto;
	socklen_t len;

	test_init(argc, argv);
	icmp = MUST(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	MUST(setsockopt(icmp, SOL_RAW, FILTER, &filter, sizeof(filter)));
	bind_to(icmp, "127.0.0.9", 0);
	icmp6 = MUST(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	ICMP6_FILTER_SETBLOCKALL(&filter6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
	MUST(setsockopt(icmp6, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof(filter6)));
	any = MUST(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	proto = MUST(socket(AF_INET, SOCK_RAW, 253));
	set_option(proto, IPPROTO_IP, IP_HDRINCL, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		set_option(proto, IPPROTO_IP, IP_HDRINCL, 0);
	name = name_of(icmp);
	CHECK_EQ(name.v4.sin_addr.s_addr, to.v4.sin_addr.s_addr);
	len = sizeof(filter);
	MUST(getsockopt(icmp, SOL_RAW, FILTER, &filter, &len));
	CHECK_EQ(filter, ~(1u << 8));
	len = sizeof(now6);
	MUST(getsockopt(icmp6, IPPROTO_ICMPV6, ICMP6_FILTER, &now6, &len));
	CHECK_MEM(&now6, &filter6, sizeof(now6));
	CHECK_EQ(get_option(any, IPPROTO_IP, IP_HDRINCL), 1);
	CHECK_EQ(get_option(proto, IPPROTO_IP, IP_HDRINCL), 1);
	CHECK_EQ(get_option(proto, SOL_SOCKET, SO_PROTOCOL), 253);
	CHECK_EQ(sendto(icmp, request, sizeof(request), 0, &to.any, address_len(&to)), sizeof(request));
	CHECK_EQ(recv(icmp, packet, sizeof(packet), 0), 28);
	CHECK_MEM(packet + 20, request, sizeof(request));
	pass();
}
