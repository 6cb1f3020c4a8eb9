/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zeros that were written over something else: over a file's content in a private mapping of it, over a parent's pages
 * by the child that inherited them, over pages of shared memory and of a memfd. Leaving them out would bring it back.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#define PAGES 16
#define SIZE  (PAGES * TEST_PAGE)

static void zero_odd_pages(char *mem)
{
	for (int p = 1; p < PAGES; p += 2)
		memset(mem + p * TEST_PAGE, 0, TEST_PAGE);
}

static void check_odd_pages(char *mem, unsigned seed)
{
	for (int p = 0; p < PAGES; p++) {
		if (p % 2)
			test_verify_bytes(mem + p * TEST_PAGE, TEST_PAGE, 0);
		else
			test_verify(mem + p * TEST_PAGE, TEST_PAGE, seed + p);
	}
}

static void fill(char *mem, unsigned seed)
{
	for (int p = 0; p < PAGES; p++)
		test_fill(mem + p * TEST_PAGE, TEST_PAGE, seed + p);
}

int main(int argc, char **argv)
{
	static char content[SIZE];
	char *own, *file, *shared, *in_memfd;
	struct test_sync sync;
	pid_t kid;
	int fd;

	test_init(argc, argv);
	fill(content, 100);
	fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	CHECK(write(fd, content, SIZE) == SIZE);
	file = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	close(fd);
	zero_odd_pages(file);
	own = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	fill(own, 200);
	shared = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	fill(shared, 300);
	zero_odd_pages(shared);
	fd = MUST(memfd_create("zeroed", 0));
	MUST(ftruncate(fd, SIZE));
	in_memfd = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	fill(in_memfd, 400);
	zero_odd_pages(in_memfd);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		zero_odd_pages(own);
		test_sync_done(&sync);
		test_wait_polling();
		check_odd_pages(own, 200);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		file[3 * TEST_PAGE + 5] = 1;
	check_odd_pages(file, 100);
	for (int p = 0; p < PAGES; p++)
		test_verify(own + p * TEST_PAGE, TEST_PAGE, 200 + p);
	check_odd_pages(shared, 300);
	check_odd_pages(in_memfd, 400);
	test_reap(kid);
	pass();
}
