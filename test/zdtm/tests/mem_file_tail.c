/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private mappings beyond the end of their file, of a deleted file, of a file that is larger than the mapping, and of
 * one file twice with different offsets and protections.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>

#include "zdtm.h"

static sigjmp_buf back;

static void on_bus(int sig)
{
	siglongjmp(back, 1);
}

int main(int argc, char **argv)
{
	static char content[10 * TEST_PAGE];
	char *a, *b, *gone;
	int fd;

	test_init(argc, argv);
	signal(SIGBUS, on_bus);
	test_fill(content, sizeof(content), 5);
	fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	CHECK(write(fd, content, 5 * TEST_PAGE + 100) == 5 * TEST_PAGE + 100);
	a = MUST((char *)mmap(NULL, 10 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	b = MUST((char *)mmap(NULL, 2 * TEST_PAGE, PROT_READ, MAP_PRIVATE, fd, 3 * TEST_PAGE));
	a[5 * TEST_PAGE + 200] = 'x';
	close(fd);
	fd = MUST(open("gone", O_CREAT | O_RDWR, 0600));
	CHECK(write(fd, content, 8 * TEST_PAGE) == 8 * TEST_PAGE);
	gone = MUST((char *)mmap(NULL, 8 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	gone[3] = 'y';
	MUST(unlink("gone"));
	close(fd);

	test_ready();
	test_wait();

	if (test_sabotage())
		gone[4] ^= 1;
	CHECK_MEM(a, content, 5 * TEST_PAGE + 100);
	CHECK_EQ(a[5 * TEST_PAGE + 200], 'x');
	test_verify_bytes(a + 5 * TEST_PAGE + 201, TEST_PAGE - 201, 0);
	CHECK_MEM(b, content + 3 * TEST_PAGE, 2 * TEST_PAGE);
	CHECK_EQ(gone[3], 'y');
	CHECK_MEM(gone, content, 3);
	CHECK_MEM(gone + 4, content + 4, 8 * TEST_PAGE - 4);
	if (sigsetjmp(back, 1) == 0) {
		(void)*(volatile char *)(a + 7 * TEST_PAGE);
		fail("no SIGBUS beyond the end of the file");
	}
	pass();
}
