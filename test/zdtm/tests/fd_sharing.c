/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which descriptors are one open file: dup, fork, and the same file opened twice. Positions move together or not.
 *
 * Close-on-exec belongs to the descriptor, not to the open file.
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int a, dup_a, b, high;
	struct test_sync sync;
	pid_t kid;
	char c;

	test_init(argc, argv);
	a = MUST(open("file", O_CREAT | O_RDWR, 0644));
	CHECK(write(a, "0123456789", 10) == 10);
	MUST(lseek(a, 0, SEEK_SET));
	dup_a = MUST(fcntl(a, F_DUPFD_CLOEXEC, 50));
	b = MUST(open("file", O_RDONLY | O_CLOEXEC));
	high = MUST(dup2(a, 1000));
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		close(dup_a);
		MUST(dup2(b, 70));
		test_sync_done(&sync);
		test_wait_polling();
		CHECK_EQ(read(a, &c, 1), 1);
		CHECK_EQ(c, '0');
		CHECK_EQ(read(70, &c, 1), 1);
		CHECK_EQ(c, '0');
		CHECK(fcntl(dup_a, F_GETFD) == -1);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	if (test_sabotage())
		lseek(high, 5, SEEK_SET);
	CHECK_EQ(fcntl(a, F_GETFD), 0);
	CHECK_EQ(fcntl(dup_a, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(b, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(high, F_GETFD), 0);
	CHECK_EQ(read(dup_a, &c, 1), 1);
	CHECK_EQ(c, '1');
	CHECK_EQ(lseek(high, 0, SEEK_CUR), 2);
	CHECK_EQ(read(b, &c, 1), 1);
	CHECK_EQ(c, '1'); /* shared with the child's 70 */
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 2);
	MUST(fcntl(a, F_SETFL, O_APPEND));
	CHECK_EQ(fcntl(high, F_GETFL) & O_APPEND, O_APPEND);
	CHECK_EQ(fcntl(b, F_GETFL) & O_APPEND, 0);
	pass();
}
