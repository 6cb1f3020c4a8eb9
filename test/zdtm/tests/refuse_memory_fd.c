/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A descriptor of shared anonymous memory, which /proc/PID/map_files gives, is refused.
 *
 * needs: cap:21
 * expect: refused descriptor [0-9]+: memory with a descriptor
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char path[64];
	char *p;
	int fd;

	test_init(argc, argv);
	p = MUST((char *)mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)p, (unsigned long)p + TEST_PAGE);
	fd = MUST(open(path, O_RDWR));

	test_ready();
	test_wait();

	*p = 'x';
	CHECK_EQ(pread(fd, path, 1, 0), 1);
	CHECK_EQ(path[0], 'x');
	pass();
}
