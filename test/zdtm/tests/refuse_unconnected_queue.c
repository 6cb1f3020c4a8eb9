/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets that wait in a unix socket that isn't connected any more are refused.
 *
 * expect: refused isn't connected
 */
#include <sys/socket.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	char text[16];
	int pair[2];

	test_init(argc, argv);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	MUST(connect(pair[1], &nobody, sizeof(nobody)));
	CHECK_EQ(send(pair[0], "late", 4, 0), 4);
	close(pair[0]);

	test_ready();
	test_wait();

	CHECK_EQ(recv(pair[1], text, sizeof(text), 0), 4);
	CHECK_MEM(text, "late", 4);
	pass();
}
