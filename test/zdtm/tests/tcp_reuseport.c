/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Three listeners share a port by SO_REUSEPORT, one of them in a child: each is given clients again.
 */
#include <fcntl.h>
#include <poll.h>

#include "inet_test.h"

#define CLIENTS 200

static int listener(int port)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));

	set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	bind_to(fd, "127.0.0.1", port);
	MUST(listen(fd, CLIENTS));
	return fd;
}

static int accept_all(int fd)
{
	int nr = 0, served;

	while ((served = accept(fd, NULL, NULL)) >= 0) {
		CHECK_EQ(write(served, "x", 1), 1);
		close(served);
		nr++;
	}
	CHECK_EQ(errno, EAGAIN);
	return nr;
}

static bool is_served(int client)
{
	struct pollfd poller = { client, POLLIN, 0 };
	char c;

	if (!MUST(poll(&poller, 1, 2)))
		return false;
	CHECK_EQ(read(client, &c, 1), 1);
	return true;
}

int main(int argc, char **argv)
{
	int fd[2], clients[CLIENTS], port, mine[2] = { 0 }, theirs;
	struct test_sync sync;
	union address a;
	pid_t child;

	test_init(argc, argv);
	fd[0] = listener(0);
	port = port_of(fd[0]);
	fd[1] = listener(port);
	test_sync_init(&sync);
	child = MUST(fork());
	if (!child) {
		close(fd[0]);
		close(fd[1]);
		fd[0] = listener(port);
		test_sync_done(&sync);
		test_wait_polling();
		CHECK_EQ(get_option(fd[0], SOL_SOCKET, SO_REUSEPORT), 1);
		for (theirs = 0; access("served", F_OK); test_msleep(2))
			theirs += accept_all(fd[0]);
		_exit(theirs);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(shutdown(fd[1], SHUT_RD));
	a = address("127.0.0.1", port);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(connect(clients[i], &a.any, address_len(&a)));
	}
	/* A client may see its connection before the listener does. */
	for (int i = 0; i < CLIENTS; i++)
		while (!is_served(clients[i]))
			for (int k = 0; k < 2; k++)
				mine[k] += accept_all(fd[k]);
	CHECK(mine[0] > 0 && mine[1] > 0 && mine[0] + mine[1] < CLIENTS);
	MUST(close(MUST(creat("served", 0600))));
	test_reap_status(child, (CLIENTS - mine[0] - mine[1]) << 8);
	pass();
}
