/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Secret memory (memfd_secret(2)) is refused.
 *
 * expect: refused secret
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "zdtm.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

int main(int argc, char **argv)
{
	char *p;
	int fd;

	test_init(argc, argv);
	fd = syscall(SYS_memfd_secret, 0);
	if (fd < 0)
		skip("no secret memory: %s", strerror(errno));
	MUST(ftruncate(fd, TEST_PAGE));
	p = MUST((char *)mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	*p = 's';

	test_ready();
	test_wait();

	CHECK_EQ(*p, 's');
	pass();
}
