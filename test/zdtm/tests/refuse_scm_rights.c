/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A descriptor on its way through a socket (SCM_RIGHTS) is refused.
 *
 * expect: refused SCM_RIGHTS
 */
#include <sys/socket.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int pair[2], fd = 0;

	test_init(argc, argv);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(pair[0], &msg, 0), 1);

	test_ready();
	test_wait();

	CHECK_EQ(recvmsg(pair[1], &msg, 0), 1);
	CHECK_EQ(msg.msg_controllen, CMSG_SPACE(sizeof(fd)));
	pass();
}
