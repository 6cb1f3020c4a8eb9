/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Several open files of one memfd: access mode, flags, offset and owner of each; which descriptors share one.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "zdtm.h"

#define RO	40
#define WO	41
#define APPEND	42
#define RO_DUP	43
#define PATH	44
#define RO_MORE 45

static void reopen(int fd, int flags, int as)
{
	char path[32];
	int got;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	got = MUST(open(path, flags));
	MUST(dup3(got, as, flags & O_CLOEXEC));
	MUST(close(got));
}

int main(int argc, char **argv)
{
	char buf[16] = "";
	int fd;

	test_init(argc, argv);
	fd = MUST(memfd_create("many", 0));
	CHECK_EQ(write(fd, "0123456789", 10), 10);
	reopen(fd, O_RDONLY, RO);
	reopen(fd, O_WRONLY | O_CLOEXEC | O_NONBLOCK, WO);
	reopen(fd, O_RDWR | O_APPEND, APPEND);
	reopen(fd, O_PATH, PATH);
	reopen(fd, O_RDONLY, RO_MORE);
	MUST(dup2(RO, RO_DUP));
	MUST(lseek(RO, 3, SEEK_SET));
	MUST(lseek(WO, 20, SEEK_SET));
	MUST(fcntl(APPEND, F_SETOWN, getpid()));
	MUST(fcntl(APPEND, F_SETSIG, SIGUSR1));
	MUST(fchmod(fd, 0400));

	test_ready();
	test_wait();

	CHECK_EQ(fcntl(RO, F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_EQ(fcntl(WO, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(APPEND, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
	CHECK_EQ(fcntl(PATH, F_GETFL) & O_PATH, O_PATH);
	CHECK_EQ(fcntl(WO, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(RO, F_GETFD), 0);
	CHECK_EQ(fcntl(APPEND, F_GETOWN), getpid());
	CHECK_EQ(fcntl(APPEND, F_GETSIG), SIGUSR1);
	CHECK(write(RO, "x", 1) == -1 && errno == EBADF);
	CHECK(read(WO, buf, 1) == -1 && errno == EBADF);
	CHECK(read(PATH, buf, 1) == -1 && errno == EBADF);
	if (test_sabotage())
		MUST(lseek(RO, 1, SEEK_CUR));
	CHECK_EQ(read(RO_DUP, buf, 2), 2);
	CHECK_MEM(buf, "34", 2);
	CHECK_EQ(lseek(RO, 0, SEEK_CUR), 5);
	CHECK_EQ(lseek(RO_MORE, 0, SEEK_CUR), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
	/* All are one file. */
	CHECK_EQ(write(WO, "end", 3), 3);
	CHECK_EQ(write(APPEND, "!", 1), 1);
	CHECK_EQ(pread(fd, buf, sizeof(buf), 10), 14);
	CHECK_MEM(buf, "\0\0\0\0\0\0\0\0\0\0end!", 14);
	pass();
}
