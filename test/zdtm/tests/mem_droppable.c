/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that the kernel may drop when it is short of it (MAP_DROPPABLE): content, and that it is of that kind.
 */
#include <sys/mman.h>

#include "zdtm.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#define SIZE (16 * TEST_PAGE)

int main(int argc, char **argv)
{
	char *p;
	pid_t kid;

	test_init(argc, argv);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		skip("no droppable memory: %s", strerror(errno));
	test_fill(p, SIZE, 7);

	test_ready();
	test_wait();

	if (test_sabotage())
		p[11]++;
	test_verify(p, SIZE, 7);
	/* It can be wiped on fork only, so the advice to keep it is refused. */
	CHECK(madvise(p, SIZE, MADV_KEEPONFORK) == -1 && errno == EINVAL);
	kid = MUST(fork());
	if (kid == 0) {
		test_verify_bytes(p, SIZE, 0);
		_exit(0);
	}
	test_reap(kid);
	pass();
}
