/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A deleted file with holes: its data come back, and the holes stay holes.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char got[3 * TEST_PAGE];
	struct stat st;
	int fd;

	test_init(argc, argv);
	fd = MUST(open("ghost", O_CREAT | O_RDWR, 0600));
	test_fill(got, sizeof(got), 1);
	CHECK(pwrite(fd, got, sizeof(got), 10 * TEST_PAGE) == sizeof(got));
	CHECK(pwrite(fd, got, 5000, 100 * TEST_PAGE + 8) == 5000);
	MUST(ftruncate(fd, 200 * TEST_PAGE + 1));
	MUST(unlink("ghost"));

	test_ready();
	test_wait();

	if (test_sabotage())
		CHECK(pwrite(fd, "x", 1, 50 * TEST_PAGE) == 1);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_size, 200 * TEST_PAGE + 1);
	CHECK(st.st_blocks * 512 < 20 * (long)TEST_PAGE);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 10 * TEST_PAGE);
	CHECK_EQ(lseek(fd, 10 * TEST_PAGE, SEEK_HOLE), 13 * TEST_PAGE);
	CHECK_EQ(lseek(fd, 13 * TEST_PAGE, SEEK_DATA), 100 * TEST_PAGE);
	CHECK(pread(fd, got, sizeof(got), 10 * TEST_PAGE) == sizeof(got));
	test_verify(got, sizeof(got), 1);
	CHECK(pread(fd, got, 5000, 100 * TEST_PAGE + 8) == 5000);
	test_verify(got, 5000, 1);
	CHECK(pread(fd, got, sizeof(got), 50 * TEST_PAGE) == sizeof(got));
	test_verify_bytes(got, sizeof(got), 0);
	pass();
}
