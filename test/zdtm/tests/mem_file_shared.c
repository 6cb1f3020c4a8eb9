/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A shared file mapping, written before and after: what one task writes the other sees, and the file has it.
 *
 * The descriptor is closed; the file was opened read-write, and once read-only.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (20 * TEST_PAGE)

int main(int argc, char **argv)
{
	struct test_sync sync;
	char *mem, *ro, *got;
	pid_t kid;
	int fd;

	test_init(argc, argv);
	fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	MUST(ftruncate(fd, SIZE));
	mem = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
	fd = MUST(open("file", O_RDONLY));
	ro = MUST((char *)mmap(NULL, SIZE / 2, PROT_READ, MAP_SHARED, fd, SIZE / 2));
	close(fd);
	test_fill(mem, SIZE, 1);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		test_verify(mem, SIZE / 2, 1);
		test_fill(mem + SIZE / 2, SIZE / 2, 2);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	if (test_sabotage())
		mem[1]++;
	test_verify(mem, SIZE / 2, 1);
	test_verify(ro, SIZE / 2, 2);
	test_fill(mem, SIZE / 2, 3);
	MUST(msync(mem, SIZE, MS_SYNC));
	got = malloc(SIZE);
	fd = MUST(open("file", O_RDONLY));
	CHECK(read(fd, got, SIZE) == SIZE);
	test_verify(got, SIZE / 2, 3);
	test_verify(got + SIZE / 2, SIZE / 2, 2);
	CHECK(mprotect(ro, TEST_PAGE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	pass();
}
