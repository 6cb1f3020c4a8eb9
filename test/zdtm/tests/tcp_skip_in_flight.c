/* SPDX-License-Identifier: GPL-2.0 */
/*
 * With --skip-in-flight a connection that waits to be accepted is left out.
 *
 * dump-options: --skip-in-flight
 */
#include <sys/ioctl.h>

#include "inet_test.h"

int main(int argc, char **argv)
{
	union address a;
	int fd, client, waiting, on = 1;
	pid_t child;

	test_init(argc, argv);
	fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
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

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(shutdown(fd, SHUT_RD));
	MUST(ioctl(fd, FIONBIO, &on));
	waiting = accept(fd, NULL, NULL); /* alone it is still there */
	CHECK(waiting >= 0 || errno == EAGAIN);
	on = 0;
	MUST(ioctl(fd, FIONBIO, &on));
	check_serves(fd, "127.0.0.1", port_of(fd));
	pass();
}
