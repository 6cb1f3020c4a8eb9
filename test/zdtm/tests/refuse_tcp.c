/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A TCP connection is refused by name, and goes on.
 *
 * expect: refused a TCP connection isn't supported
 */
#include "inet_test.h"

int main(int argc, char **argv)
{
	int fd, client, served;
	union address a;
	char c;

	test_init(argc, argv);
	fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	bind_to(fd, "127.0.0.1", 0);
	MUST(listen(fd, 5));
	a = name_of(fd);
	client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(client, &a.any, address_len(&a)));
	served = MUST(accept(fd, NULL, NULL));

	test_ready();
	test_wait();

	CHECK_EQ(write(client, "x", 1), 1);
	CHECK_EQ(read(served, &c, 1), 1);
	pass();
}
