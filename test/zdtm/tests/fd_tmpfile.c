/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files opened by O_TMPFILE keep content, holes, attributes, offset and flags, and can still be given a name.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "zdtm.h"

#define MIB (1l << 20)

int main(int argc, char **argv)
{
	const struct timespec times[2] = { { 1000, 5000 }, { 2000, 7000 } };
	int fd, again, append, in_dir;
	struct stat st, linked;
	char text[16], path[64], *map;

	test_init(argc, argv);
	fd = MUST(open(".", O_TMPFILE | O_RDWR, 0600));
	MUST(ftruncate(fd, 8 * MIB));
	CHECK_EQ(pwrite(fd, "begin", 5, 0), 5);
	CHECK_EQ(pwrite(fd, "end", 3, 8 * MIB - 3), 3);
	CHECK_EQ(lseek(fd, 77, SEEK_SET), 77);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = MUST(open(path, O_RDONLY));
	map = MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	MUST(fchown(fd, 12, 34));
	MUST(fchmod(fd, 0640));
	MUST(futimens(fd, times));
	append = MUST(open(".", O_TMPFILE | O_WRONLY | O_APPEND | O_DSYNC, 0000));
	CHECK_EQ(write(append, "one", 3), 3);
	MUST(futimens(append, times));
	MUST(mkdir("dir", 0700));
	in_dir = MUST(open("dir", O_TMPFILE | O_RDWR, 0600));
	MUST(rmdir("dir"));

	test_ready();
	test_wait();

	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_size, 8 * MIB);
	CHECK(st.st_blocks < MIB / 512);
	CHECK(st.st_uid == 12 && st.st_gid == 34 && st.st_mode == (S_IFREG | 0640));
	CHECK_EQ(st.st_mtim.tv_sec, 2000);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 77);
	map[0] = 'B';
	CHECK_EQ(pread(again, text, 5, 0), 5);
	CHECK_MEM(text, "Begin", 5);
	CHECK_EQ(pread(fd, text, 3, 8 * MIB - 3), 3);
	CHECK_MEM(text, "end", 3);
	if (test_sabotage())
		MUST(dup2(MUST(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600)), fd));
	MUST(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	MUST(stat("named", &linked));
	CHECK(linked.st_ino == st.st_ino && linked.st_nlink == 1);
	MUST(fstat(append, &st));
	CHECK(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec == 2000); /* mapping the other is an access */
	CHECK_EQ(write(append, "two", 3), 3);
	MUST(fstat(append, &st));
	CHECK_EQ(st.st_size, 6);
	CHECK_EQ(st.st_mode, S_IFREG);
	CHECK_EQ(write(in_dir, "x", 1), 1);
	pass();
}
