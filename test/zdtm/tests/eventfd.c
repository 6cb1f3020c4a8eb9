/* SPDX-License-Identifier: GPL-2.0 */
/*
 * eventfd: counter (zero, some, the largest), semaphore mode, non-blocking, shared with a child.
 */
#include <fcntl.h>
#include <sys/eventfd.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	uint64_t value = 0xfffffffffffffffeull;
	int plain, sem, zero, full;
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	plain = MUST(eventfd(77, EFD_CLOEXEC));
	sem = MUST(eventfd(3, EFD_SEMAPHORE));
	zero = MUST(eventfd(0, EFD_NONBLOCK));
	full = MUST(eventfd(0, EFD_NONBLOCK));
	CHECK(write(full, &value, 8) == 8);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		value = 5;
		CHECK_EQ(write(plain, &value, 8), 8);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	if (test_sabotage()) {
		value = 1;
		CHECK_EQ(write(zero, &value, 8), 8);
	}
	CHECK_EQ(read(plain, &value, 8), 8);
	CHECK_EQ(value, 82);
	CHECK_EQ(fcntl(plain, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(sem, &value, 8), 8);
	CHECK_EQ(value, 1);
	CHECK_EQ(read(sem, &value, 8), 8);
	CHECK_EQ(value, 1);
	CHECK(read(zero, &value, 8) == -1 && errno == EAGAIN);
	value = 1;
	CHECK(write(full, &value, 8) == -1 && errno == EAGAIN);
	CHECK_EQ(read(full, &value, 8), 8);
	CHECK(value == 0xfffffffffffffffeull);
	pass();
}
