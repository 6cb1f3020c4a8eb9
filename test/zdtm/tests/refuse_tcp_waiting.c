/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection that waits to be accepted is refused by name, and is accepted later.
 *
 * expect: refused hasn't accepted yet.*--skip-in-flight
 */
#include "inet_test.h"

int main(int argc, char **argv)
{
	union address a;
	int fd, client;
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

	MUST(accept(fd, NULL, NULL));
	pass();
}
