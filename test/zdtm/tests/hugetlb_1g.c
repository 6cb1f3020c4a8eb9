/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Huge pages of 1 GiB: private anonymous memory, and a memfd that nobody has touched.
 *
 * huge-pages: 1048576kB 1
 * timeout: 60
 * rounds: 1
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include "zdtm.h"

#define HUGE  (1ul << 30)
#define SHIFT 30
#define AT    (HUGE / 3 & ~7ul)

int main(int argc, char **argv)
{
	struct stat st;
	char *p;
	int fd;

	test_init(argc, argv);
	p = MUST((char *)mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | SHIFT << 26, -1, 0));
	fd = MUST(memfd_create("huge", MFD_HUGETLB | (unsigned int)SHIFT << 26));
	MUST(ftruncate(fd, HUGE));
	test_fill(p + AT, TEST_PAGE, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		p[AT]++;
	test_verify(p + AT, TEST_PAGE, 1);
	test_verify_bytes(p, TEST_PAGE, 0);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_blksize, HUGE);
	CHECK_EQ(st.st_size, HUGE);
	CHECK_EQ(st.st_blocks, 0);
	pass();
}
