/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection that waits to be accepted is refused by name, and is accepted later.
 *
 * expect: refused hasn't accepted yet.*--skip-in-flight
 */
#include "inet_test.h"

int main(int argc, char **argv)
{
	int fd;

	test_init(argc, argv);
	fd = listen_with_waiting();

	test_ready();
	test_wait();

	MUST(accept(fd, NULL, NULL));
	pass();
}
