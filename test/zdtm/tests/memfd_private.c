/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mappings of memfds whose descriptors are closed: a private one, and a shared one that may never be written to.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char *p, *q, path[32];
	int fd, ro;

	test_init(argc, argv);
	fd = MUST(memfd_create("name", 0));
	MUST(ftruncate(fd, 3 * TEST_PAGE));
	p = MUST((char *)mmap(NULL, 3 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	CHECK_EQ(pwrite(fd, "file", 4, 2 * TEST_PAGE), 4);
	MUST(close(fd));
	*p = 'x';

	fd = MUST(memfd_create("other", 0));
	CHECK_EQ(pwrite(fd, "read me", 7, 0), 7);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = MUST(open(path, O_RDONLY));
	q = MUST((char *)mmap(NULL, TEST_PAGE, PROT_READ, MAP_SHARED, ro, 0));
	MUST(close(ro));
	MUST(close(fd));

	test_ready();
	test_wait();

	if (test_sabotage())
		*p = 'y';
	CHECK_EQ(*p, 'x');
	test_verify_bytes(p + 1, 2 * TEST_PAGE - 1, 0);
	CHECK_MEM(p + 2 * TEST_PAGE, "file", 5);
	CHECK_MEM(q, "read me", 8);
	CHECK(mprotect(q, TEST_PAGE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	pass();
}
