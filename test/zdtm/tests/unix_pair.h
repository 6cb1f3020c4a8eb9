/* SPDX-License-Identifier: GPL-2.0 */
/* The body of unix_stream, unix_dgram and unix_seqpacket. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "zdtm.h"

static char big[20000], got[20000];

static void expect(int fd, const char *text, size_t size)
{
	size_t at = 0;
	ssize_t n;

	do {
		n = MUST(recv(fd, got + at, KIND == SOCK_STREAM ? size - at : sizeof(got) - at, 0));
		at += n;
	} while (KIND == SOCK_STREAM && n > 0 && at < size);
	CHECK_EQ(at, size);
	CHECK_MEM(got, text, size);
}

int main(int argc, char **argv)
{
	int mine[2], kids[2], value;
	struct test_sync sync;
	socklen_t len = sizeof(value);
	pid_t kid;

	test_init(argc, argv);
	test_fill(big, sizeof(big), 1);
	MUST(socketpair(AF_UNIX, KIND | SOCK_CLOEXEC, 0, mine));
	MUST(socketpair(AF_UNIX, KIND, 0, kids));
	CHECK(send(mine[0], "first", 5, 0) == 5);
	CHECK(send(mine[0], big, sizeof(big), 0) == sizeof(big));
	CHECK(send(mine[0], "third message", 13, 0) == 13);
	CHECK(send(mine[1], "back", 4, 0) == 4);
	MUST(fcntl(mine[1], F_SETFL, O_NONBLOCK));
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		close(kids[0]);
		close(mine[0]);
		close(mine[1]);
		test_sync_done(&sync);
		test_wait_polling();
		expect(kids[1], "to the child", 12);
		CHECK(send(kids[1], "from the child", 14, 0) == 14);
		_exit(0);
	}
	close(kids[1]);
	CHECK(send(kids[0], "to the child", 12, 0) == 12);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(recv(mine[1], got, 1, 0));
	expect(mine[1], "first", 5);
	expect(mine[1], big, sizeof(big));
	expect(mine[1], "third message", 13);
	CHECK(recv(mine[1], got, 1, 0) == -1 && errno == EAGAIN);
	expect(mine[0], "back", 4);
	MUST(getsockopt(mine[0], SOL_SOCKET, SO_TYPE, &value, &len));
	CHECK_EQ(value, KIND);
	CHECK_EQ(fcntl(mine[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(mine[0], F_GETFL), O_RDWR);
	CHECK_EQ(fcntl(mine[1], F_GETFL), O_RDWR | O_NONBLOCK);
	expect(kids[0], "from the child", 14);
	CHECK(send(mine[1], "again", 5, 0) == 5);
	expect(mine[0], "again", 5);
	test_reap(kid);
	pass();
}
