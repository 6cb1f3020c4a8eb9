/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The holes of a memfd stay holes: few pages of a file of 1 TiB; an empty memfd; one that ends within a page.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "zdtm.h"

#define HUGE  (1ul << 40)
#define SMALL (5 * TEST_PAGE + 17)

static void check_size(int fd, off_t size, blkcnt_t pages)
{
	struct stat st;

	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_size, size);
	CHECK_EQ(st.st_blocks, pages * 8);
}

int main(int argc, char **argv)
{
	char page[TEST_PAGE];
	int sparse, empty, small;

	test_init(argc, argv);
	sparse = MUST(memfd_create("sparse", 0));
	MUST(ftruncate(sparse, HUGE));
	for (int i = 0; i < 3; i++) {
		test_fill(page, TEST_PAGE, i);
		CHECK_EQ(pwrite(sparse, page, TEST_PAGE, HUGE / 4 * (i + 1) - TEST_PAGE), TEST_PAGE);
	}
	empty = MUST(memfd_create("", 0));
	small = MUST(memfd_create("small", 0));
	MUST(ftruncate(small, SMALL));
	CHECK_EQ(pwrite(small, "end", 3, SMALL - 3), 3);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(pwrite(sparse, "x", 1, 0));
	check_size(sparse, HUGE, 3);
	for (int i = 0; i < 3; i++) {
		off_t at = HUGE / 4 * (i + 1) - TEST_PAGE;

		CHECK_EQ(lseek(sparse, at - 5 * TEST_PAGE, SEEK_DATA), at);
		CHECK_EQ(pread(sparse, page, TEST_PAGE, at), TEST_PAGE);
		test_verify(page, TEST_PAGE, i);
	}
	check_size(empty, 0, 0);
	check_size(small, SMALL, 1);
	CHECK_EQ(pread(small, page, TEST_PAGE, SMALL - 5), 5);
	CHECK_MEM(page, "\0\0end", 5);
	pass();
}
