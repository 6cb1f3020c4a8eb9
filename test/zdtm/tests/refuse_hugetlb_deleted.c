/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A deleted file of hugetlbfs is refused: nobody could write it anew.
 *
 * needs: root
 * huge-pages: 2048kB 2
 * expect: refused a deleted file of hugetlbfs
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "zdtm.h"

#define HUGE (2ul << 20)

int main(int argc, char **argv)
{
	char *p;
	int fd;

	test_init(argc, argv);
	MUST(mkdir("huge", 0700));
	MUST(mount("none", "huge", "hugetlbfs", 0, "pagesize=2M"));
	fd = MUST(open("huge/file", O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(fd, HUGE));
	MUST(unlink("huge/file"));
	p = MUST((char *)mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	test_fill(p, HUGE, 1);

	test_ready();
	test_wait();

	test_verify(p, HUGE, 1);
	pass();
}
