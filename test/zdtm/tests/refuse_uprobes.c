/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A function with a uprobe is refused without --allow-uprobes.
 *
 * expect: refused uprobes are in use there: use --allow-uprobes
 */
#include "uprobes.h"

int main(int argc, char **argv)
{
	test_init(argc, argv);
	run_own_copy(argv);
	with_tracing(probe_add);
	CHECK_EQ(probed(5), 16);
	CHECK(has_uprobes_area());

	test_ready();
	test_wait();

	with_tracing(probe_remove);
	CHECK_EQ(probed(8), 25);
	pass();
}
