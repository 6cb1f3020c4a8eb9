/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 64 children of one parent, each with data of its own.
 */
#include "zdtm.h"

#define KIDS 64

int main(int argc, char **argv)
{
	struct test_sync sync;
	static char own[2 * TEST_PAGE];
	pid_t kids[KIDS];
	int i;

	test_init(argc, argv);
	test_sync_init(&sync);
	for (i = 0; i < KIDS; i++) {
		kids[i] = MUST(fork());
		if (kids[i] == 0) {
			test_fill(own, sizeof(own), i);
			test_sync_done(&sync);
			test_wait_polling();
			if (test_sabotage() && i == 63)
				own[5000]++;
			test_verify(own, sizeof(own), i);
			_exit(0);
		}
	}
	test_sync_wait(&sync, KIDS);

	test_ready();
	test_wait();

	for (i = 0; i < KIDS; i++)
		test_reap(kids[i]);
	test_verify_bytes(own, sizeof(own), 0);
	pass();
}
