/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Process groups: of a leader that leads, of a member whose leader is its brother, of one that joined a cousin's.
 */
#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t kid[4], pgid[4];
	int i;

	test_init(argc, argv);
	test_sync_init(&sync);
	for (i = 0; i < 4; i++) {
		kid[i] = MUST(fork());
		if (kid[i] == 0) {
			test_sync_done(&sync);
			test_wait_polling();
			_exit(getpgid(0) == getpid());
		}
	}
	test_sync_wait(&sync, 4);
	MUST(setpgid(kid[2], 0));      /* leads */
	MUST(setpgid(kid[0], kid[2])); /* an older brother joins */
	MUST(setpgid(kid[3], kid[2])); /* a younger one too */
	for (i = 0; i < 4; i++)
		pgid[i] = getpgid(kid[i]);

	test_ready();
	test_wait();

	if (test_sabotage())
		pgid[0] = kid[0];
	for (i = 0; i < 4; i++)
		CHECK_EQ(getpgid(kid[i]), pgid[i]);
	CHECK_EQ(pgid[3], kid[2]);
	for (i = 0; i < 4; i++)
		test_reap_status(kid[i], i == 2 ? 1 << 8 : 0);
	pass();
}
