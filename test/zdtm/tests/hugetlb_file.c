/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file of hugetlbfs, mapped shared and private, and its descriptor.
 *
 * needs: root
 * huge-pages: 2048kB 6
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "zdtm.h"

#define HUGE (2ul << 20)

int main(int argc, char **argv)
{
	char *shared, *private;
	int fd;

	test_init(argc, argv);
	MUST(mkdir("huge", 0700));
	MUST(mount("none", "huge", "hugetlbfs", 0, "pagesize=2M"));
	fd = MUST(open("huge/file", O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(fd, 2 * HUGE));
	shared = MUST((char *)mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	private = MUST((char *)mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	test_fill(shared, 2 * HUGE, 1);
	test_fill(private + HUGE, HUGE, 2);
	MUST(lseek(fd, 77, SEEK_SET));

	test_ready();
	test_wait();

	if (test_sabotage())
	private[HUGE]++;
	test_verify(shared, 2 * HUGE, 1);
	test_verify(private + HUGE, HUGE, 2);
	/* The first page is the file's still. */
	shared[3] = 's';
	CHECK_EQ(private[3], 's');
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 77);
	pass();
}
