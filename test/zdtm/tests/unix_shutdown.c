/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unix socket pairs that were shut down in one direction, or whose other end is closed with data still to read.
 */
#include <sys/socket.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int half[2], lone[2];
	char text[32];

	test_init(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, half));
	CHECK(send(half[0], "before", 6, 0) == 6);
	MUST(shutdown(half[0], SHUT_WR));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, lone));
	CHECK(send(lone[0], "will", 4, 0) == 4);
	close(lone[0]);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(shutdown(half[1], SHUT_WR));
	CHECK_EQ(recv(half[1], text, 32, 0), 6);
	CHECK_EQ(recv(half[1], text, 32, 0), 0);
	CHECK(send(half[0], "x", 1, 0) == -1 && errno == EPIPE);
	CHECK_EQ(send(half[1], "other way", 9, 0), 9);
	CHECK_EQ(recv(half[0], text, 32, 0), 9);
	CHECK_EQ(recv(lone[1], text, 32, 0), 4);
	CHECK_EQ(recv(lone[1], text, 32, 0), 0);
	CHECK(send(lone[1], "x", 1, 0) == -1 && errno == EPIPE);
	pass();
}
