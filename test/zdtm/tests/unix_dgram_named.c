/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Datagram sockets with names: what they haven't received, and who is connected to whom.
 */
#include "unix_test.h"

int main(int argc, char **argv)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	int server, client[2], self, a, b, lonely, pair[2];
	struct sockaddr_un addr;
	socklen_t len;
	char buf[16], at_client[90], at_self[90];

	test_init(argc, argv);
	snprintf(at_client, sizeof(at_client), "@%s-client", test_dir); /* another in each run */
	snprintf(at_self, sizeof(at_self), "@%s-self", test_dir);
	server = unix_socket(SOCK_DGRAM, "server");
	client[0] = unix_connect(SOCK_DGRAM, "server");
	client[1] = unix_socket(SOCK_DGRAM, at_client);
	len = unix_name("server", &addr);
	MUST(connect(client[1], (struct sockaddr *)&addr, len));
	CHECK_EQ(send(client[0], "one", 3, 0), 3);
	CHECK_EQ(send(client[0], "", 0, 0), 0);
	CHECK_EQ(send(client[0], "three", 5, 0), 5);
	self = unix_socket(SOCK_DGRAM, at_self);
	len = unix_name(at_self, &addr);
	MUST(connect(self, (struct sockaddr *)&addr, len));
	a = unix_socket(SOCK_DGRAM, "a");
	b = unix_socket(SOCK_DGRAM, "b");
	len = unix_name("a", &addr);
	MUST(connect(b, (struct sockaddr *)&addr, len));
	len = unix_name("b", &addr);
	MUST(connect(a, (struct sockaddr *)&addr, len));
	CHECK_EQ(send(a, "to b", 4, 0), 4);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)); /* its end has something, but is connected to nobody */
	lonely = pair[1];
	MUST(connect(lonely, &nobody, sizeof(nobody)));
	getsockopt(pair[0], SOL_SOCKET, SO_ERROR, buf, &(socklen_t){ sizeof(int) });
	CHECK_EQ(send(pair[0], "late", 4, 0), 4);
	close(pair[0]);

	test_ready();
	test_wait();

	if (test_sabotage())
		CHECK_EQ(send(client[0], "x", 1, 0), 1);
	check_name(server, false, "server");
	CHECK_EQ(recv(server, buf, sizeof(buf), 0), 3);
	CHECK_MEM(buf, "one", 3);
	CHECK_EQ(recv(server, buf, sizeof(buf), 0), 0);
	CHECK_EQ(recv(server, buf, sizeof(buf), 0), 5);
	CHECK_MEM(buf, "three", 5);
	CHECK(recv(server, buf, sizeof(buf), MSG_DONTWAIT) < 0 && errno == EAGAIN);
	check_name(client[0], true, "server");
	check_name(client[1], true, "server");
	check_name(client[1], false, at_client);
	check_passes(client[0], server, "again");
	check_passes(client[1], server, "named");
	check_passes(self, self, "myself");
	len = sizeof(addr);
	CHECK_EQ(recvfrom(b, buf, sizeof(buf), 0, (struct sockaddr *)&addr, &len), 4);
	CHECK_MEM(buf, "to b", 4);
	CHECK(!strcmp(addr.sun_path, "a"));
	check_passes(b, a, "to a");
	CHECK_EQ(recv(lonely, buf, sizeof(buf), 0), 4);
	CHECK_MEM(buf, "late", 4);
	CHECK(send(lonely, "x", 1, 0) < 0 && errno == ENOTCONN);
	pass();
}
