/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Options of unix socket pairs: buffer sizes, timeouts, passing of credentials, and the peer's credentials.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include "zdtm.h"

static int get(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value;

	MUST(getsockopt(fd, SOL_SOCKET, option, &value, &len));
	return value;
}

int main(int argc, char **argv)
{
	int s[2], sndbuf, rcvbuf, value;
	struct timeval tv = { 3, 500000 }, now;
	socklen_t len = sizeof(now);

	test_init(argc, argv);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	value = 60000;
	MUST(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)));
	value = 30000;
	MUST(setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &value, sizeof(value)));
	MUST(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	value = 1;
	MUST(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &value, sizeof(value)));
	sndbuf = get(s[0], SO_SNDBUF);
	rcvbuf = get(s[0], SO_RCVBUF);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &value, sizeof(value)));
	CHECK_EQ(get(s[0], SO_SNDBUF), sndbuf);
	CHECK_EQ(get(s[0], SO_RCVBUF), rcvbuf);
	CHECK_EQ(get(s[0], SO_PASSCRED), 0);
	CHECK_EQ(get(s[1], SO_PASSCRED), 1);
	MUST(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &now, &len));
	CHECK_MEM(&now, &tv, sizeof(tv));
	MUST(getsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &now, &len));
	CHECK(!now.tv_sec && !now.tv_usec);
	pass();
}
