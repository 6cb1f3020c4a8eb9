/* SPDX-License-Identifier: GPL-2.0 */
/*
 * UDP sockets: new, bound, connected to each other and to themselves, of both families.
 */
#include "inet_test.h"

static void check_passes(int from, int to, const char *text)
{
	char buf[32];

	CHECK_EQ(send(from, text, strlen(text), 0), strlen(text));
	CHECK_EQ(recv(to, buf, sizeof(buf), 0), strlen(text));
	CHECK_MEM(buf, text, strlen(text));
}

static void connect_to(int fd, int to)
{
	union address a = name_of(to);

	MUST(connect(fd, &a.any, address_len(&a)));
}

int main(int argc, char **argv)
{
	union address was[6], now, peer;
	int fd[6];
	socklen_t len = sizeof(peer);

	test_init(argc, argv);
	for (int i = 0; i < 6; i++)
		fd[i] = MUST(socket(i < 3 ? AF_INET : AF_INET6, SOCK_DGRAM, 0));
	bind_to(fd[1], "127.0.0.1", 0);
	connect_to(fd[2], fd[1]);
	connect_to(fd[1], fd[2]);
	set_option(fd[2], SOL_SOCKET, SO_BROADCAST, 1);
	bind_to(fd[3], "::1", 0);
	connect_to(fd[3], fd[3]); /* as the old statistics collector of PostgreSQL */
	bind_to(fd[4], "::", 0);
	for (int i = 0; i < 6; i++)
		was[i] = name_of(fd[i]);

	test_ready();
	test_wait();

	if (test_sabotage())
		bind_to(fd[5], "::1", 0);
	for (int i = 0; i < 6; i++) {
		now = name_of(fd[i]);
		CHECK_MEM(&now, &was[i], sizeof(now));
		CHECK_EQ(get_option(fd[i], SOL_SOCKET, SO_BROADCAST), i == 2);
	}
	check_passes(fd[2], fd[1], "to one");
	check_passes(fd[1], fd[2], "to two");
	check_passes(fd[3], fd[3], "to oneself");
	CHECK(getpeername(fd[0], &peer.any, &len) < 0 && errno == ENOTCONN);
	CHECK(getpeername(fd[4], &peer.any, &len) < 0 && errno == ENOTCONN);
	peer = address("::1", port_of(fd[4]));
	MUST(connect(fd[5], &peer.any, address_len(&peer)));
	check_passes(fd[5], fd[4], "to any");
	pass();
}
