/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Named pipes: with data, opened for reading, writing and both, by one task or by two.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int both, rd, wr, kid_rd, flags;
	struct test_sync sync;
	char text[64];
	pid_t kid;

	test_init(argc, argv);
	MUST(mkfifo("one", 0644));
	MUST(mkfifo("two", 0600));
	both = MUST(open("one", O_RDWR));
	CHECK(write(both, "in one", 6) == 6);
	rd = MUST(open("one", O_RDONLY | O_NONBLOCK));
	flags = fcntl(rd, F_GETFL);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		close(both);
		close(rd);
		kid_rd = MUST(open("two", O_RDONLY));
		test_sync_done(&sync);
		test_wait_polling();
		CHECK_EQ(read(kid_rd, text, 6), 6);
		CHECK_MEM(text, "in two", 6);
		CHECK_EQ(read(kid_rd, text, 64), 4);
		CHECK_EQ(read(kid_rd, text, 64), 0);
		_exit(0);
	}
	wr = MUST(open("two", O_WRONLY));
	CHECK(write(wr, "in two", 6) == 6);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		CHECK_EQ(write(both, "?", 1), 1);
	CHECK_EQ(fcntl(rd, F_GETFL), flags);
	CHECK_EQ(read(rd, text, 64), 6);
	CHECK_MEM(text, "in one", 6);
	CHECK(read(rd, text, 64) == -1 && errno == EAGAIN);
	CHECK_EQ(write(wr, "more", 4), 4);
	close(wr);
	test_reap(kid);
	pass();
}
