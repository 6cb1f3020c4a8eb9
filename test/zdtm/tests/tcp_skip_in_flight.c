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
	int fd, waiting, on = 1;

	test_init(argc, argv);
	fd = listen_with_waiting();

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
