/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP sockets that listen, of both families and of both at once, serve clients again at the same addresses.
 */
#include "inet_test.h"

static int listener(const char *text, int port, int v6only)
{
	union address a = address(text, port);
	int fd = MUST(socket(a.any.sa_family, SOCK_STREAM, 0));

	if (a.any.sa_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
	MUST(bind(fd, &a.any, address_len(&a)));
	MUST(listen(fd, 7));
	return fd;
}

static void check(int fd, const union address *was)
{
	union address now = name_of(fd);

	CHECK_MEM(&now, was, sizeof(now));
	CHECK_EQ(get_option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
	CHECK_EQ(get_option(fd, SOL_SOCKET, SO_REUSEADDR), 0);
	CHECK_EQ(get_option(fd, SOL_SOCKET, SO_REUSEPORT), 0);
}

int main(int argc, char **argv)
{
	union address was[5], a;
	int fd[5], again;

	test_init(argc, argv);
	fd[0] = listener("127.0.0.1", 0, 0);
	fd[1] = listener("0.0.0.0", 0, 0);
	fd[2] = listener("::1", 0, 1);
	fd[3] = listener("::", 0, 0);
	fd[4] = listener("::", port_of(fd[1]), 1); /* the same port of the other family */
	for (int i = 0; i < 5; i++)
		was[i] = name_of(fd[i]);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(shutdown(fd[3], SHUT_RD));
	for (int i = 0; i < 5; i++)
		check(fd[i], &was[i]);
	check_serves(fd[0], "127.0.0.1", port_of(fd[0]));
	check_serves(fd[1], "127.0.0.1", port_of(fd[1]));
	check_serves(fd[2], "::1", port_of(fd[2]));
	check_serves(fd[3], "127.0.0.1", port_of(fd[3]));
	check_serves(fd[3], "::1", port_of(fd[3]));
	check_serves(fd[4], "::1", port_of(fd[4]));
	CHECK_EQ(get_option(fd[3], IPPROTO_IPV6, IPV6_V6ONLY), 0);
	CHECK_EQ(get_option(fd[4], IPPROTO_IPV6, IPV6_V6ONLY), 1);
	again = MUST(socket(AF_INET, SOCK_STREAM, 0));
	set_option(again, SOL_SOCKET, SO_REUSEADDR, 1);
	a = address("127.0.0.1", port_of(fd[0]));
	CHECK(bind(again, &a.any, address_len(&a)) < 0 && errno == EADDRINUSE);
	pass();
}
