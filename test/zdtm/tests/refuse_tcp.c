/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A listening TCP socket is refused by name, and the task serves on.
 *
 * expect: refused (tcp|inet|socket)
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd, value = 0;
	socklen_t len = sizeof(value);

	test_init(argc, argv);
	fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(listen(fd, 5));

	test_ready();
	test_wait();

	MUST(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len));
	CHECK_EQ(value, 1);
	pass();
}
