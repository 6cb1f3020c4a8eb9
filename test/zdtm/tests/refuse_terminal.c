/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A job of a shell is refused without -j: its terminal and its session leader are outside of the tree.
 *
 * flavour: shell-job
 * expect: refused (tty|terminal|session|shell-job)
 * ignore: /stat/tpgid$ criu is in the foreground for a while
 */
#include "zdtm.h"

int main(int argc, char **argv)
{
	test_init(argc, argv);
	CHECK(isatty(0));

	test_ready();
	test_wait();

	CHECK(isatty(0));
	pass();
}
