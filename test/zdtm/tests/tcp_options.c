/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Options of TCP listeners: of the socket, IP, IPv6 and TCP levels, those CRIU has no member for among them.
 */
#include <linux/filter.h>
#include <linux/in6.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#include "inet_test.h"

static const struct {
	int level, name, value, v6;
} options[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1, -1 },
	{ SOL_SOCKET, SO_KEEPALIVE, 1, -1 },
	{ SOL_SOCKET, SO_OOBINLINE, 1, -1 },
	{ SOL_SOCKET, SO_RCVLOWAT, 3, -1 },
	{ SOL_SOCKET, SO_SNDBUF, 50000, -1 },
	{ SOL_SOCKET, SO_RCVBUF, 70000, -1 },
	{ SOL_SOCKET, SO_MARK, 77, -1 },
	{ SOL_SOCKET, SO_BUSY_POLL, 13, -1 },
	{ SOL_SOCKET, SO_INCOMING_CPU, 0, -1 },
	{ SOL_SOCKET, SO_TIMESTAMP, 1, -1 },
	{ IPPROTO_TCP, TCP_NODELAY, 1, -1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 100, -1 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 20, -1 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 4, -1 },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 7, -1 },
	{ IPPROTO_TCP, TCP_FASTOPEN, 5, -1 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 12345, -1 },
	{ IPPROTO_TCP, TCP_SYNCNT, 3, -1 },
	{ IPPROTO_TCP, TCP_MAXSEG, 1000, -1 },
	{ IPPROTO_IP, IP_TOS, 0x48, 0 },
	{ IPPROTO_IP, IP_TTL, 33, 0 },
	{ IPPROTO_IP, IP_FREEBIND, 1, 0 },
	{ IPPROTO_IP, IP_TRANSPARENT, 1, 0 },
	{ IPPROTO_IP, IP_PKTINFO, 1, 0 },
	{ IPPROTO_IP, IP_RECVTTL, 1, 0 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 44, 1 },
	{ IPPROTO_IPV6, IPV6_TCLASS, 0x28, 1 },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, 1 },
	{ IPPROTO_IPV6, IPV6_FREEBIND, 1, 1 },
	{ SOL_SOCKET, SO_PRIORITY, 5, -1 },
};

#define NR (sizeof(options) / sizeof(options[0]))

static const struct sock_filter accept_all[] = {
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 9, 0, 0),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
};

int main(int argc, char **argv)
{
	struct linger linger = { 1, 5 }, linger_now;
	struct timeval wait = { 7, 500000 }, wait_now;
	const struct sock_fprog prog = { 2, (struct sock_filter *)accept_all };
	struct sock_filter filter[2];
	char text[20];
	socklen_t len;
	int fd[2], was[2][NR];

	test_init(argc, argv);
	for (int v6 = 0; v6 < 2; v6++) {
		fd[v6] = MUST(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
		for (size_t i = 0; i < NR; i++)
			if (options[i].v6 < 0 || options[i].v6 == v6)
				set_option(fd[v6], options[i].level, options[i].name, options[i].value);
		MUST(setsockopt(fd[v6], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
		MUST(setsockopt(fd[v6], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)));
		MUST(setsockopt(fd[v6], SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
		MUST(setsockopt(fd[v6], IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
		bind_to(fd[v6], v6 ? "::1" : "127.0.0.1", 0);
		MUST(listen(fd[v6], 3));
		for (size_t i = 0; i < NR; i++)
			if (options[i].v6 < 0 || options[i].v6 == v6)
				was[v6][i] = get_option(fd[v6], options[i].level, options[i].name);
	}
	MUST(setsockopt(fd[0], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));

	test_ready();
	test_wait();

	if (test_sabotage())
		set_option(fd[1], IPPROTO_TCP, TCP_USER_TIMEOUT, 1);
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t i = 0; i < NR; i++)
			if ((options[i].v6 < 0 || options[i].v6 == v6) &&
			    get_option(fd[v6], options[i].level, options[i].name) != was[v6][i])
				fail("family %d: option %d of level %d is %d, not %d", v6, options[i].name,
				     options[i].level, get_option(fd[v6], options[i].level, options[i].name),
				     was[v6][i]);
		len = sizeof(linger_now);
		MUST(getsockopt(fd[v6], SOL_SOCKET, SO_LINGER, &linger_now, &len));
		CHECK_MEM(&linger_now, &linger, sizeof(linger));
		len = sizeof(wait_now);
		MUST(getsockopt(fd[v6], SOL_SOCKET, SO_RCVTIMEO, &wait_now, &len));
		CHECK_MEM(&wait_now, &wait, sizeof(wait));
		len = sizeof(text);
		MUST(getsockopt(fd[v6], SOL_SOCKET, SO_BINDTODEVICE, text, &len));
		CHECK(!strcmp(text, "lo"));
		len = sizeof(text);
		MUST(getsockopt(fd[v6], IPPROTO_TCP, TCP_CONGESTION, text, &len));
		CHECK(!strcmp(text, "reno"));
	}
	len = 2;
	MUST(getsockopt(fd[0], SOL_SOCKET, SO_GET_FILTER, filter, &len));
	CHECK_EQ(len, 2);
	CHECK_MEM(filter, accept_all, sizeof(filter));
	set_option(fd[1], IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
	check_serves(fd[1], "::1", port_of(fd[1]));
	pass();
}
