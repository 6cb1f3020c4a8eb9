/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pipes between tasks: ping-pong goes on, data on the way arrive, an end that only a child holds, an end that nobody
 * holds.
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int there[2], back[2], widowed[2], deaf[2], i;
	struct test_sync sync;
	char c, text[16];
	pid_t kid;

	test_init(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	MUST(pipe(there));
	MUST(pipe(back));
	MUST(pipe(widowed));
	MUST(pipe(deaf));
	CHECK(write(widowed[1], "last", 4) == 4);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		close(there[1]);
		close(back[0]);
		close(widowed[0]);
		close(widowed[1]);
		close(deaf[0]);
		close(deaf[1]);
		test_sync_done(&sync);
		while (read(there[0], &c, 1) == 1) {
			c += 1;
			CHECK_EQ(write(back[1], &c, 1), 1);
		}
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	close(widowed[1]);
	close(deaf[0]);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		CHECK_EQ(write(there[1], "z", 1), 1);
	for (i = 0; i < 100; i++) {
		c = i;
		CHECK_EQ(write(there[1], &c, 1), 1);
		CHECK_EQ(read(back[0], &c, 1), 1);
		CHECK_EQ(c, i + 1);
	}
	close(there[1]);
	CHECK_EQ(read(back[0], &c, 1), 0);
	CHECK_EQ(read(widowed[0], text, 16), 4);
	CHECK_EQ(read(widowed[0], text, 16), 0);
	CHECK(write(deaf[1], "x", 1) == -1 && errno == EPIPE);
	test_reap(kid);
	pass();
}
