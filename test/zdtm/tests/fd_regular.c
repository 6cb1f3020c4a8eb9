/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regular files: position, access mode, status flags (append, non-blocking, direct, no access time), beyond the end.
 */
#include <fcntl.h>

#include "zdtm.h"

static const struct {
	int flags;
	off_t pos;
} kinds[] = {
	{ O_RDONLY, 0 },
	{ O_WRONLY, 7 },
	{ O_RDWR, 4096 },
	{ O_RDWR | O_APPEND, 3 },
	{ O_RDONLY | O_NONBLOCK, 1 },
	{ O_RDWR | O_NOATIME, 99999 },
	{ O_WRONLY | O_DSYNC, 5 },
	{ O_RDWR | O_SYNC, (off_t)1 << 40 },
	{ O_RDONLY | O_NOFOLLOW, 2 },
};
#define NR (int)(sizeof(kinds) / sizeof(kinds[0]))

int main(int argc, char **argv)
{
	int fd[NR], flags[NR], i;
	char c;

	test_init(argc, argv);
	i = MUST(open("file", O_CREAT | O_WRONLY, 0644));
	CHECK(write(i, "0123456789", 10) == 10);
	close(i);
	for (i = 0; i < NR; i++) {
		fd[i] = MUST(open("file", kinds[i].flags));
		MUST(lseek(fd[i], kinds[i].pos, SEEK_SET));
		flags[i] = fcntl(fd[i], F_GETFL);
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		lseek(fd[3], 1, SEEK_CUR);
	for (i = 0; i < NR; i++) {
		CHECK_EQ(lseek(fd[i], 0, SEEK_CUR), kinds[i].pos);
		CHECK_EQ(fcntl(fd[i], F_GETFL), flags[i]);
	}
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK_EQ(c, '0');
	CHECK_EQ(write(fd[3], "end", 3), 3);
	CHECK_EQ(lseek(fd[3], 0, SEEK_CUR), 13);
	CHECK(write(fd[0], "x", 1) == -1 && errno == EBADF);
	CHECK(read(fd[1], &c, 1) == -1 && errno == EBADF);
	CHECK_EQ(write(fd[1], "W", 1), 1);
	CHECK_EQ(pread(fd[2], &c, 1, 7), 1);
	CHECK_EQ(c, 'W');
	pass();
}
