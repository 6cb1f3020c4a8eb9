/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP sockets that neither listen nor are connected: new, bound, and with a connection behind them.
 */
#include <poll.h>

#include "inet_test.h"

static short events_of(int fd)
{
	struct pollfd poller = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	MUST(poll(&poller, 1, 0));
	return poller.revents;
}

/* Both ends said that they are done, the client first, so no port waits in it. */
static int ended(void)
{
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), client = MUST(socket(AF_INET, SOCK_STREAM, 0)), served;
	union address a;
	char c;

	bind_to(listener, "127.0.0.1", 0);
	MUST(listen(listener, 1));
	a = name_of(listener);
	MUST(connect(client, &a.any, address_len(&a)));
	served = MUST(accept(listener, NULL, NULL));
	MUST(shutdown(client, SHUT_WR));
	CHECK_EQ(read(served, &c, 1), 0);
	MUST(shutdown(served, SHUT_WR));
	CHECK_EQ(read(client, &c, 1), 0);
	close(client);
	close(listener);
	while (!(events_of(served) & POLLHUP))
		test_msleep(1);
	return served;
}

int main(int argc, char **argv)
{
	int fresh, bound, dead, port;
	union address a;
	char c;

	test_init(argc, argv);
	fresh = MUST(socket(AF_INET6, SOCK_STREAM, 0));
	bound = MUST(socket(AF_INET, SOCK_STREAM, 0));
	bind_to(bound, "127.0.0.3", 0);
	port = port_of(bound);
	dead = ended();

	test_ready();
	test_wait();

	if (test_sabotage())
		bind_to(fresh, "::1", 0);
	CHECK_EQ(port_of(fresh), 0);
	CHECK_EQ(events_of(fresh), POLLOUT | POLLHUP);
	CHECK_EQ(port_of(bound), port);
	a = name_of(bound);
	CHECK_EQ(ntohl(a.v4.sin_addr.s_addr), 0x7f000003);
	CHECK_EQ(get_option(bound, SOL_SOCKET, SO_ACCEPTCONN), 0);
	CHECK_EQ(read(dead, &c, 1), 0);
	CHECK(send(dead, &c, 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
	CHECK(events_of(dead) & POLLRDHUP);
	MUST(listen(bound, 3));
	check_serves(bound, "127.0.0.3", port);
	pass();
}
