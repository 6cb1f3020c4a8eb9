/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open files and a current directory that were renamed, themselves or above, others now having their old names.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "zdtm.h"

static int make(const char *path, const char *text)
{
	int fd = MUST(open(path, O_CREAT | O_EXCL | O_RDWR, 0600));

	CHECK_EQ(write(fd, text, 3), 3);
	return fd;
}

static void check(int fd, const char *path, const char *text)
{
	char have[4];
	struct stat a, b;

	CHECK_EQ(pread(fd, have, 4, 0), 3);
	CHECK_MEM(have, text, 3);
	MUST(fstat(fd, &a));
	MUST(stat(path, &b));
	CHECK(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

int main(int argc, char **argv)
{
	int renamed, taken, inner, over, dir;
	struct stat a, b;

	test_init(argc, argv);
	MUST(mkdir("old-dir", 0700));
	MUST(mkdir("old-dir/cwd", 0700));
	renamed = make("old", "abc");
	inner = make("old-dir/file", "def");
	over = make("over", "ghi");
	dir = MUST(open("old-dir", O_RDONLY | O_DIRECTORY));
	MUST(rename("old", "new"));
	taken = make("old", "jkl");
	MUST(rename("old-dir", "new-dir"));
	MUST(mkdir("old-dir", 0700));
	close(make("old-dir/file", "mno"));
	/* This one loses its name to another. */
	close(make("winner", "pqr"));
	MUST(rename("winner", "over"));
	MUST(chdir("new-dir/cwd"));
	MUST(rename("../cwd", "../cwd2"));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(dup2(taken, renamed));
	MUST(stat(".", &a));
	MUST(chdir(test_dir));
	MUST(stat("new-dir/cwd2", &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	check(renamed, "new", "abc");
	check(taken, "old", "jkl");
	check(inner, "new-dir/file", "def");
	MUST(fstat(over, &a));
	CHECK_EQ(a.st_nlink, 0);
	CHECK_EQ(a.st_size, 3);
	check(MUST(open("over", O_RDONLY)), "over", "pqr");
	check(MUST(openat(dir, "file", O_RDONLY)), "new-dir/file", "def");
	pass();
}
