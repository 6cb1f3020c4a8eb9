/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device nodes: null, zero, full, urandom; as descriptors, and zero mapped private.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	static const char *const path[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom" };
	static const int minors[] = { 3, 5, 7, 9 };
	char buf[64], *mem;
	struct stat st;
	int fd[4], i;

	test_init(argc, argv);
	for (i = 0; i < 4; i++)
		fd[i] = MUST(open(path[i], i == 3 ? O_RDONLY : O_RDWR));
	mem = MUST((char *)mmap(NULL, 4 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd[1], 0));
	test_fill(mem, TEST_PAGE, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		dup2(fd[0], fd[2]);
	for (i = 0; i < 4; i++) {
		MUST(fstat(fd[i], &st));
		CHECK_EQ(st.st_rdev, makedev(1, minors[i]));
	}
	CHECK_EQ(write(fd[0], buf, 64), 64);
	CHECK_EQ(read(fd[0], buf, 64), 0);
	CHECK_EQ(read(fd[1], buf, 64), 64);
	test_verify_bytes(buf, 64, 0);
	CHECK(write(fd[2], buf, 1) == -1 && errno == ENOSPC);
	CHECK_EQ(read(fd[3], buf, 64), 64);
	test_verify(mem, TEST_PAGE, 1);
	test_verify_bytes(mem + TEST_PAGE, 3 * TEST_PAGE, 0);
	pass();
}
