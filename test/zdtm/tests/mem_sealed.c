/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sealed memory (mseal(2)): writable, read-only, of a file, and the protection it had stays for good.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "zdtm.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#define SIZE (4 * TEST_PAGE)

static char *map(int prot, int fd)
{
	char *p = MUST(
		(char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0));

	test_fill(p, SIZE, prot);
	MUST(mprotect(p, SIZE, prot));
	if (syscall(SYS_mseal, p, SIZE, 0))
		skip("no mseal: %s", strerror(errno));
	return p;
}

int main(int argc, char **argv)
{
	char *p[3];
	int fd;

	test_init(argc, argv);
	fd = MUST(open("mem_sealed.file", O_RDWR | O_CREAT | O_TRUNC, 0600));
	MUST(ftruncate(fd, SIZE));
	p[0] = map(PROT_READ | PROT_WRITE, -1);
	p[1] = map(PROT_READ, -1);
	p[2] = map(PROT_READ | PROT_EXEC, fd);
	close(fd);

	test_ready();
	test_wait();

	if (test_sabotage())
		p[0][5]++;
	for (int i = 0; i < 3; i++) {
		CHECK(mprotect(p[i], SIZE, PROT_READ) == -1 && errno == EPERM);
		CHECK(munmap(p[i], TEST_PAGE) == -1 && errno == EPERM);
	}
	test_verify(p[0], SIZE, PROT_READ | PROT_WRITE);
	test_verify(p[1], SIZE, PROT_READ);
	test_verify(p[2], SIZE, PROT_READ | PROT_EXEC);
	unlink("mem_sealed.file");
	pass();
}
