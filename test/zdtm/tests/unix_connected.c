/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections within the tree, accepted and not yet, keep their data and the names of both ends.
 */
#include "unix_test.h"

static int accept_one(int listener)
{
	return MUST(accept(listener, NULL, NULL));
}

int main(int argc, char **argv)
{
	int path, abstract, client[6], served[6], bound, first, second, gone;
	struct sockaddr_un addr;
	socklen_t len;
	char at[90];

	test_init(argc, argv);
	snprintf(at, sizeof(at), "@%s", test_dir); /* another in each run */
	path = unix_socket(SOCK_STREAM, "by-path");
	abstract = unix_socket(SOCK_SEQPACKET, at);
	gone = unix_socket(SOCK_STREAM, "gone");
	MUST(listen(path, 10));
	MUST(listen(abstract, 10));
	MUST(listen(gone, 10));
	for (int i = 0; i < 6; i++) {
		client[i] = i % 3 == 0	 ? unix_connect(SOCK_STREAM, "by-path")
			    : i % 3 == 1 ? unix_connect(SOCK_SEQPACKET, at)
					 : unix_connect(SOCK_STREAM, "gone");
		served[i] = accept_one(i % 3 == 0 ? path : i % 3 == 1 ? abstract : gone);
		CHECK_EQ(send(client[i], "request", 7, 0), 7);
		CHECK_EQ(send(served[i], "reply", 5, 0), 5);
	}
	close(gone);
	MUST(unlink("gone"));
	bound = unix_socket(SOCK_STREAM, "client");
	len = unix_name("by-path", &addr);
	MUST(connect(bound, (struct sockaddr *)&addr, len));
	first = unix_connect(SOCK_STREAM, "by-path");
	second = unix_connect(SOCK_SEQPACKET, at);

	test_ready();
	test_wait();

	if (test_sabotage())
		CHECK_EQ(send(client[4], "x", 1, 0), 1);
	for (int i = 0; i < 6; i++) {
		const char *name = i % 3 == 0 ? "by-path" : i % 3 == 1 ? at : "gone";
		char buf[8];

		check_name(client[i], false, NULL);
		check_name(client[i], true, name);
		check_name(served[i], false, name);
		check_name(served[i], true, NULL);
		CHECK_EQ(recv(client[i], buf, 8, 0), 5);
		CHECK_MEM(buf, "reply", 5);
		CHECK_EQ(recv(served[i], buf, 8, 0), 7);
		CHECK_MEM(buf, "request", 7);
		check_passes(client[i], served[i], "more");
		check_passes(served[i], client[i], "and back");
	}
	served[0] = accept_one(path);
	check_name(served[0], true, "client");
	check_passes(bound, served[0], "bound");
	check_passes(first, accept_one(path), "first");
	check_passes(second, accept_one(abstract), "second");
	pass();
}
