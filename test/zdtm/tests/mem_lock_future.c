/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mlockall(2) of all future memory, in a task with locked memory and in one without any; and on fault only, in a child.
 */
#include <sys/mman.h>

#include "zdtm.h"

static int new_page_there(void)
{
	unsigned char there = 0;
	char *p = MUST((char *)mmap(NULL, TEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	/* Only locked memory refuses this. */
	CHECK(madvise(p, TEST_PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
	MUST(mincore(p, TEST_PAGE, &there));
	MUST(munmap(p, TEST_PAGE));
	return there & 1;
}

int main(int argc, char **argv)
{
	static const int flags[2] = { MCL_FUTURE | MCL_ONFAULT, MCL_CURRENT | MCL_FUTURE };
	struct test_sync sync;
	pid_t kids[2];

	test_init(argc, argv);
	test_sync_init(&sync);
	for (int i = 0; i < 2; i++) {
		kids[i] = MUST(fork());
		if (kids[i] == 0) {
			MUST(mlockall(flags[i]));
			test_sync_done(&sync);
			test_wait_polling();
			CHECK_EQ(new_page_there(), i);
			_exit(0);
		}
	}
	MUST(mlockall(MCL_FUTURE));
	test_sync_wait(&sync, 2);

	test_ready();
	test_wait();

	if (test_sabotage())
		munlockall();
	CHECK_EQ(new_page_there(), 1);
	test_reap(kids[0]);
	test_reap(kids[1]);
	pass();
}
