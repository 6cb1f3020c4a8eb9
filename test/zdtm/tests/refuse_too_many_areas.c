/* SPDX-License-Identifier: GPL-2.0 */
/*
 * So many areas that none is left for what a restore has to map besides: refused, as it couldn't come back.
 *
 * expect: refused areas of memory: with vm.max_map_count
 * timeout: 180
 */
#include "areas_many.h"
#include "zdtm.h"

int main(int argc, char **argv)
{
	unsigned char *mem;
	long nr;

	test_init(argc, argv);
	mem = fill_up_with_areas(4, &nr);

	test_ready();
	test_wait();

	CHECK_EQ(mem[2 * TEST_PAGE], 2);
	pass();
}
