/* SPDX-License-Identifier: GPL-2.0 */
/* Internet sockets for tests: on the loopback device, at ports that the kernel chose. */
#ifndef INET_TEST_H
#define INET_TEST_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "zdtm.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	char bytes[sizeof(struct sockaddr_in6)];
};

static inline socklen_t address_len(const union address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

/* TEXT may be of either family. */
static inline union address address(const char *text, int port)
{
	union address a = {};

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
	} else {
		CHECK_EQ(inet_pton(AF_INET6, text, &a.v6.sin6_addr), 1);
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
	}
	return a;
}

static inline union address name_of(int fd)
{
	union address a = {};
	socklen_t len = sizeof(a);

	MUST(getsockname(fd, &a.any, &len));
	return a;
}

static inline int port_of(int fd)
{
	union address a = name_of(fd);

	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static inline void bind_to(int fd, const char *text, int port)
{
	union address a = address(text, port);

	MUST(bind(fd, &a.any, address_len(&a)));
}

static inline int get_option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	MUST(getsockopt(fd, level, name, &value, &len));
	return value;
}

static inline void set_option(int fd, int level, int name, int value)
{
	MUST(setsockopt(fd, level, name, &value, sizeof(value)));
}

/* A listener that a client has connected to, which is gone already, and that hasn't accepted it. */
static inline int listen_with_waiting(void)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0)), client;
	union address a;
	pid_t child;

	bind_to(fd, "127.0.0.1", 0);
	MUST(listen(fd, 5));
	a = name_of(fd);
	child = MUST(fork());
	if (!child) {
		client = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(connect(client, &a.any, address_len(&a)));
		_exit(0);
	}
	test_reap(child);
	return fd;
}

/* A client comes from TEXT's family, and is served. */
static inline void check_serves(int listener, const char *text, int port)
{
	union address a = address(text, port);
	int client = MUST(socket(a.any.sa_family, SOCK_STREAM, 0)), served;
	char buf[8];

	MUST(connect(client, &a.any, address_len(&a)));
	served = MUST(accept(listener, NULL, NULL));
	CHECK_EQ(write(client, "question", 8), 8);
	CHECK_EQ(recv(served, buf, 8, MSG_WAITALL), 8);
	CHECK_MEM(buf, "question", 8);
	CHECK_EQ(write(served, "answer", 6), 6);
	CHECK_EQ(recv(client, buf, 6, MSG_WAITALL), 6);
	CHECK_MEM(buf, "answer", 6);
	close(client);
	close(served);
}

#endif
