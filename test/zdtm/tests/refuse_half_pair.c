/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A unix socket whose other end is outside of the tree is refused, and both ends go on talking.
 *
 * The runner holds the other end; the task has its own as descriptor 9.
 *
 * expect: refused (unix|socket)
 * flavour: outside-pair
 */
#include <sys/socket.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char text[16];

	test_init(argc, argv);

	test_ready();
	test_wait();

	/* Descriptor 9 came from the runner, which echoes. */
	CHECK_EQ(send(9, "hello", 5, 0), 5);
	CHECK_EQ(recv(9, text, sizeof(text), 0), 5);
	pass();
}
