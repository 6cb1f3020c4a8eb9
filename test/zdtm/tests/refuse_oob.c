/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An out-of-band byte (MSG_OOB) that waits in a unix stream is refused.
 *
 * expect: refused MSG_OOB
 */
#include <sys/socket.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char text[16];
	int pair[2];

	test_init(argc, argv);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK_EQ(send(pair[0], "in", 2, 0), 2);
	if (send(pair[0], "!", 1, MSG_OOB) < 0)
		skip("the kernel has no MSG_OOB for unix sockets");
	CHECK_EQ(send(pair[0], "band", 4, 0), 4);

	test_ready();
	test_wait();

	CHECK_EQ(recv(pair[1], text, sizeof(text), 0), 2);
	CHECK_EQ(recv(pair[1], text, 1, MSG_OOB), 1);
	CHECK_EQ(text[0], '!');
	CHECK_EQ(recv(pair[1], text, sizeof(text), 0), 4);
	CHECK_MEM(text, "band", 4);
	pass();
}
