/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A private mapping of a memfd whose descriptor is closed is refused.
 *
 * expect: refused memfd
 */
#include <sys/mman.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char *p;
	int fd;

	test_init(argc, argv);
	fd = MUST(memfd_create("name", 0));
	MUST(ftruncate(fd, TEST_PAGE));
	p = MUST((char *)mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	MUST(close(fd));
	*p = 'x';

	test_ready();
	test_wait();

	CHECK_EQ(*p, 'x');
	pass();
}
