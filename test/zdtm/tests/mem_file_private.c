/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A private file mapping with some pages written: those are the task's own, the others still the file's.
 *
 * The file is changed after the restore: pages that were never written show that, the others don't.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#define PAGES 40
#define SIZE  (PAGES * TEST_PAGE)

static char content[SIZE + 3 * TEST_PAGE];

int main(int argc, char **argv)
{
	char *mem, *ro;
	int fd, p;

	test_init(argc, argv);
	fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	test_fill(content, sizeof(content), 1);
	CHECK(write(fd, content, sizeof(content)) == sizeof(content));
	mem = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 3 * TEST_PAGE));
	ro = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	test_fill(ro + TEST_PAGE, TEST_PAGE, 7);
	MUST(mprotect(ro, SIZE, PROT_READ));
	close(fd);
	for (p = 0; p < PAGES; p++) {
		if (p % 3 == 1)
			test_fill(mem + p * TEST_PAGE, TEST_PAGE, 100 + p); /* its own */
		else if (p % 3 == 2)
			CHECK_MEM(mem + p * TEST_PAGE, content + (p + 3) * TEST_PAGE, TEST_PAGE); /* only read */
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[7 * TEST_PAGE]++;
	for (p = 0; p < PAGES; p++) {
		if (p % 3 == 1)
			test_verify(mem + p * TEST_PAGE, TEST_PAGE, 100 + p);
		else
			CHECK_MEM(mem + p * TEST_PAGE, content + (p + 3) * TEST_PAGE, TEST_PAGE);
	}
	test_verify(ro + TEST_PAGE, TEST_PAGE, 7);
	CHECK_MEM(ro, content, TEST_PAGE);
	CHECK_MEM(ro + 2 * TEST_PAGE, content + 2 * TEST_PAGE, SIZE - 2 * TEST_PAGE);
	/* Nothing of it reached the file. */
	fd = MUST(open("file", O_RDWR));
	for (p = 0; p < PAGES + 3; p++) {
		char page[TEST_PAGE];

		CHECK(pread(fd, page, TEST_PAGE, p * TEST_PAGE) == TEST_PAGE);
		CHECK_MEM(page, content + p * TEST_PAGE, TEST_PAGE);
	}
	CHECK(pwrite(fd, "new", 3, 3 * TEST_PAGE) == 3);
	CHECK(pwrite(fd, "new", 3, 4 * TEST_PAGE) == 3);
	CHECK_MEM(mem, "new", 3);
	test_verify(mem + TEST_PAGE, TEST_PAGE, 101);
	pass();
}
