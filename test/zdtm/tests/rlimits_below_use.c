/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Limits below what the task uses already: open files, data, locked memory, file size.
 *
 * They forbid more; what is there came back nevertheless.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "zdtm.h"

#define HIGH 777

int main(int argc, char **argv)
{
	struct rlimit few = { 20, 20 }, tight = { 1 << 20, 1 << 20 }, now;
	char *mem;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	test_fill(mem, 16 << 20, 9);
	MUST(dup2(MUST(open("/dev/null", O_RDWR)), HIGH));
	MUST(setrlimit(RLIMIT_NOFILE, &few));
	MUST(setrlimit(RLIMIT_DATA, &tight));
	MUST(setrlimit(RLIMIT_FSIZE, &tight));
	MUST(setrlimit(RLIMIT_CPU, &(struct rlimit){ 3000, 3000 }));

	test_ready();
	test_wait();

	if (test_sabotage())
		close(HIGH);
	CHECK_EQ(write(HIGH, "x", 1), 1);
	MUST(getrlimit(RLIMIT_NOFILE, &now));
	CHECK_EQ(now.rlim_max, 20);
	CHECK(dup2(1, 21) == -1 && errno == EBADF);
	test_verify(mem, 16 << 20, 9);
	pass();
}
