/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flags of open files, and files that the task itself could not open any more.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "zdtm.h"

#ifndef O_LARGEFILE_KERNEL
#define O_LARGEFILE_KERNEL 0100000
#endif

static const int flags[] = {
	O_RDONLY | O_DIRECT,
	O_RDWR | O_SYNC,
	O_WRONLY | O_DSYNC | O_APPEND,
	O_RDONLY | O_NOATIME,
	O_RDONLY | O_NOFOLLOW,
	O_RDWR | O_NONBLOCK | O_LARGEFILE_KERNEL,
	O_WRONLY | O_TRUNC,
	O_RDWR | O_CREAT | O_APPEND | O_DIRECT | O_SYNC,
	O_PATH,
	O_PATH | O_NOFOLLOW,
	3, /* neither read nor written: for ioctl(2) */
};

#define NR (sizeof(flags) / sizeof(flags[0]))

int main(int argc, char **argv)
{
	int fd[NR], have[NR], was_read_only, link_fd;
	char byte, target[16] = "";
	struct stat st;

	test_init(argc, argv);
	MUST(mkdir("dir", 0700));
	MUST(close(MUST(creat("dir/file", 0600))));
	MUST(symlink("somewhere", "dir/link"));
	MUST(chmod(".", 0777));
	for (size_t i = 0; i < NR; i++) {
		fd[i] = open("dir/file", flags[i], 0600);
		/* Old kernels' tmpfs has no O_DIRECT. */
		if (fd[i] < 0 && errno == EINVAL)
			fd[i] = open("dir/file", flags[i] & ~O_DIRECT, 0600);
		MUST(fd[i]);
		have[i] = fcntl(fd[i], F_GETFL);
	}
	link_fd = MUST(open("dir/link", O_PATH | O_NOFOLLOW));
	CHECK_EQ(write(fd[1], "content", 7), 7);
	was_read_only = MUST(open("dir/file", O_RDONLY));
	/* Neither the directory nor the file are for this user. */
	MUST(chmod("dir/file", 0000));
	MUST(setresgid(1234, 1234, 1234));
	MUST(setresuid(1234, 1234, 1234));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(fcntl(fd[2], F_SETFL, 0));
	for (size_t i = 0; i < NR; i++)
		CHECK_EQ(fcntl(fd[i], F_GETFL), have[i]);
	CHECK(open("dir/file", O_RDONLY) < 0 && errno == EACCES);
	CHECK_EQ(read(was_read_only, &byte, 1), 1);
	CHECK_EQ(byte, 'c');
	CHECK_EQ(write(fd[2], "more", 4), 4);
	MUST(fstat(fd[1], &st));
	CHECK_EQ(st.st_size, 11);
	CHECK_EQ(st.st_mode, S_IFREG);
	CHECK_EQ(readlinkat(link_fd, "", target, sizeof(target)), 9);
	CHECK_MEM(target, "somewhere", 9);
	pass();
}
