/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sessions: children in the parent's, leaders of their own, and children forked before and after setsid().
 */
#include "zdtm.h"

static struct test_sync sync_all;

/* WHAT[0] is how this task behaves: 's' becomes a session leader before its child is forked, 'S' after, '-' never. */
static void grow(const char *what)
{
	pid_t kid = 0, sid, pgid;

	if (*what == 's')
		MUST(setsid());
	if (what[1]) {
		kid = MUST(fork());
		if (kid == 0) {
			grow(what + 1);
			_exit(0);
		}
	}
	if (*what == 'S')
		MUST(setsid());
	sid = getsid(0);
	pgid = getpgid(0);
	test_sync_done(&sync_all);
	test_wait_polling();
	if (test_sabotage())
		sid++;
	CHECK_EQ(getsid(0), sid);
	CHECK_EQ(getpgid(0), pgid);
	if (kid)
		test_reap(kid);
}

int main(int argc, char **argv)
{
	static const char *const chains[] = { "-", "s", "S-", "s-", "ss-", "SS-", "Ss-", "sS-", "-S-s", "S-s-" };
	int i, nr = 0, n = sizeof(chains) / sizeof(chains[0]);
	pid_t kids[16], sid = getsid(0);

	test_init(argc, argv);
	test_sync_init(&sync_all);
	for (i = 0; i < n; i++) {
		nr += strlen(chains[i]);
		kids[i] = MUST(fork());
		if (kids[i] == 0) {
			grow(chains[i]);
			_exit(0);
		}
	}
	test_sync_wait(&sync_all, nr);

	test_ready();
	test_wait();

	CHECK_EQ(getsid(0), sid);
	for (i = 0; i < n; i++)
		test_reap(kids[i]);
	pass();
}
