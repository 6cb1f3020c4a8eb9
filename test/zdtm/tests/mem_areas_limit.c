/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As many areas as a process may have (vm.max_map_count), but for the few that a restore needs for itself.
 *
 * timeout: 180
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "areas_many.h"
#include "zdtm.h"

int main(int argc, char **argv)
{
	unsigned char *mem;
	long nr;

	test_init(argc, argv);
	mem = fill_up_with_areas(10, &nr);

	test_ready();
	test_wait();

	if (test_sabotage()) {
		MUST(mprotect(mem + 40 * TEST_PAGE, TEST_PAGE, PROT_READ | PROT_WRITE));
		mem[40 * TEST_PAGE]++;
	}
	for (long i = 0; i < nr; i += 2)
		CHECK_EQ(mem[i * TEST_PAGE], (i / 2) % 251 + 1);
	pass();
}
