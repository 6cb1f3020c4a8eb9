/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Advice that stays with an area: don't fork, don't dump, wipe on fork, mergeable, huge pages or none, access patterns.
 *
 * The runner compares VmFlags; the program tries out those that fork shows.
 */
#include <sys/mman.h>

#include "zdtm.h"

static const int advice[] = { MADV_DONTFORK,   MADV_DONTDUMP,	MADV_WIPEONFORK, MADV_HUGEPAGE,
			      MADV_NOHUGEPAGE, MADV_SEQUENTIAL, MADV_RANDOM,	 MADV_MERGEABLE };
#define NR   (int)(sizeof(advice) / sizeof(advice[0]))
#define SIZE (4 * TEST_PAGE)

int main(int argc, char **argv)
{
	char *mem;
	pid_t kid;
	int i;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, NR * 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (i = 0; i < NR; i++) {
		if (madvise(mem + i * 2 * SIZE, SIZE, advice[i]) && errno != EINVAL)
			fail("madvise %d: %s", advice[i], strerror(errno));
		test_fill(mem + i * 2 * SIZE, SIZE, i);
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(madvise(mem + 4 * SIZE, SIZE, MADV_KEEPONFORK));
	for (i = 0; i < NR; i++)
		test_verify(mem + i * 2 * SIZE, SIZE, i);
	kid = MUST(fork());
	if (kid == 0) {
		CHECK(msync(mem, SIZE, MS_ASYNC) == -1 && errno == ENOMEM); /* not forked */
		test_verify(mem + 2 * SIZE, SIZE, 1);
		test_verify_bytes(mem + 4 * SIZE, SIZE, 0); /* wiped */
		_exit(0);
	}
	test_reap(kid);
	pass();
}
