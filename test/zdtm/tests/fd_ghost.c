/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deleted files that are still open: content, position, mode and owner; two descriptors and a child share one of them.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "zdtm.h"

#define SIZE 30000

int main(int argc, char **argv)
{
	char want[SIZE], got[SIZE];
	struct test_sync sync;
	struct stat st, st2;
	int a, b, c, empty;
	pid_t kid;

	test_init(argc, argv);
	test_fill(want, SIZE, 1);
	a = MUST(open("ghost", O_CREAT | O_RDWR, 0600));
	CHECK(write(a, want, SIZE) == SIZE);
	MUST(fchmod(a, 0641));
	MUST(fchown(a, 12, 34));
	MUST(lseek(a, 123, SEEK_SET));
	b = MUST(open("ghost", O_RDONLY)); /* another open file of the same inode */
	c = MUST(dup(a));
	MUST(unlink("ghost"));
	empty = MUST(open("empty", O_CREAT | O_RDWR, 0600));
	MUST(unlink("empty"));
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		CHECK_EQ(pwrite(a, "child", 5, SIZE), 5);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	if (test_sabotage())
		CHECK_EQ(pwrite(a, "!", 1, 77), 1);
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 123);
	CHECK_EQ(lseek(c, 10, SEEK_CUR), 133);
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 133);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 0);
	MUST(fstat(a, &st));
	MUST(fstat(b, &st2));
	CHECK(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0641);
	CHECK(st.st_uid == 12 && st.st_gid == 34);
	CHECK_EQ(st.st_size, SIZE + 5);
	CHECK_EQ(read(b, got, SIZE), SIZE);
	CHECK_MEM(got, want, SIZE);
	CHECK_EQ(read(b, got, 10), 5);
	CHECK_MEM(got, "child", 5);
	MUST(fstat(empty, &st));
	CHECK(st.st_size == 0 && st.st_nlink == 0);
	CHECK(access("ghost", F_OK) == -1);
	pass();
}
