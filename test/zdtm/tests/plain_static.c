/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small statically linked task: no dynamic loader, no libraries, few areas.
 *
 * cflags: -static
 */
#include "zdtm.h"

static char bss[TEST_PAGE];

int main(int argc, char **argv)
{
	test_init(argc, argv);
	test_fill(bss, sizeof(bss), 2);

	test_ready();
	test_wait();

	if (test_sabotage())
		bss[17]++;
	test_verify(bss, sizeof(bss), 2);
	pass();
}
