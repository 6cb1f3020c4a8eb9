/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A listening unix socket with a name is refused by name, and accepts on.
 *
 * expect: refused (unix|socket)
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int fd, to;

	test_init(argc, argv);
	fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(listen(fd, 5));

	test_ready();
	test_wait();

	to = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(connect(to, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(accept(fd, NULL, NULL));
	pass();
}
