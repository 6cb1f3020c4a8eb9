/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private memory of huge pages: content, untouched pages, protection, a hole; what a child has changed of it.
 *
 * huge-pages: 2048kB 16
 */
#include <sys/mman.h>

#include "zdtm.h"

#define HUGE (2ul << 20)

static char *map(int nr, int flags)
{
	return MUST((char *)mmap(NULL, nr * HUGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0));
}

/* Of the area that P is in. */
static long smaps_kb(const void *p, const char *key)
{
	char line[512], start[32];
	bool found = false;
	FILE *f = fopen("/proc/self/smaps", "r");
	long kb = -1;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	CHECK(f != NULL);
	while (kb < 0 && fgets(line, sizeof(line), f)) {
		found |= !strncmp(line, start, strlen(start));
		if (found && !strncmp(line, key, strlen(key)))
			kb = atol(line + strlen(key));
	}
	fclose(f);
	return kb;
}

int main(int argc, char **argv)
{
	char *p, *sparse, *pieces;
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	p = map(2, 0);
	test_fill(p, 2 * HUGE, 1);
	sparse = map(3, MAP_NORESERVE);
	test_fill(sparse + HUGE, HUGE, 2);
	pieces = map(3, 0);
	pieces[0] = 'a';
	pieces[2 * HUGE + 12345] = 'b';
	MUST(munmap(pieces + HUGE, HUGE));
	MUST(mprotect(pieces + 2 * HUGE, HUGE, PROT_READ));
	MUST(madvise(pieces, HUGE, MADV_DONTFORK));
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_fill(p + HUGE, HUGE, 3);
		test_sync_done(&sync);
		test_wait_polling();
		test_verify(p, HUGE / 2, 1);
		test_verify(p + HUGE, HUGE, 3);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		p[HUGE + 5]++;
	test_reap(kid);
	test_verify(p, 2 * HUGE, 1);
	CHECK_EQ(smaps_kb(p, "KernelPageSize:"), HUGE >> 10);
	test_verify(sparse + HUGE, HUGE, 2);
	CHECK_EQ(smaps_kb(sparse, "Private_Hugetlb:"), HUGE >> 10);
	test_verify_bytes(sparse, HUGE, 0);
	CHECK_EQ(pieces[0], 'a');
	CHECK_EQ(pieces[2 * HUGE + 12345], 'b');
	test_verify_bytes(pieces + 1, HUGE - 1, 0);
	MUST(mprotect(pieces + 2 * HUGE, HUGE, PROT_READ | PROT_WRITE));
	pieces[2 * HUGE] = 'c';
	pass();
}
