/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pipes with bytes in them: a few, many, none; size set by F_SETPIPE_SZ; non-blocking and packet mode of each end.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	static char big[200000], got[200000];
	int few[2], many[2], none[2], packet[2], left, size;

	test_init(argc, argv);
	test_fill(big, sizeof(big), 1);
	MUST(pipe(few));
	CHECK(write(few[1], "hello", 5) == 5);
	MUST(pipe2(many, O_NONBLOCK));
	MUST(fcntl(many[1], F_SETPIPE_SZ, 256 << 10));
	MUST(fcntl(many[1], F_SETFL, 0));
	CHECK(write(many[1], big, sizeof(big)) == sizeof(big));
	MUST(pipe2(none, O_CLOEXEC));
	size = MUST(fcntl(none[0], F_SETPIPE_SZ, TEST_PAGE));
	MUST(pipe2(packet, O_DIRECT | O_NONBLOCK));

	test_ready();
	test_wait();

	if (test_sabotage())
		CHECK_EQ(write(few[1], "!", 1), 1);
	MUST(ioctl(few[0], FIONREAD, &left));
	CHECK_EQ(left, 5);
	CHECK_EQ(read(few[0], got, 100), 5);
	CHECK_MEM(got, "hello", 5);
	CHECK_EQ(fcntl(many[0], F_GETPIPE_SZ), 256 << 10);
	CHECK_EQ(fcntl(many[0], F_GETFL), O_NONBLOCK);
	CHECK_EQ(fcntl(many[1], F_GETFL), O_WRONLY);
	for (left = 0; left < (int)sizeof(got); left += size) {
		size = MUST(read(many[0], got + left, sizeof(got) - left));
		CHECK(size > 0);
	}
	test_verify(got, sizeof(got), 1);
	CHECK(read(many[0], got, 1) == -1 && errno == EAGAIN);
	CHECK_EQ(fcntl(none[1], F_GETPIPE_SZ), TEST_PAGE);
	CHECK_EQ(fcntl(none[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(none[1], "x", 1), 1);
	CHECK_EQ(read(none[0], got, 2), 1);
	CHECK_EQ(fcntl(packet[1], F_GETFL) & (O_DIRECT | O_NONBLOCK), O_DIRECT | O_NONBLOCK);
	CHECK_EQ(write(packet[1], "aa", 2), 2);
	CHECK_EQ(write(packet[1], "bbb", 3), 3);
	CHECK_EQ(read(packet[0], got, 100), 2);
	CHECK_EQ(read(packet[0], got, 100), 3);
	pass();
}
