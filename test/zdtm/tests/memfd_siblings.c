/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of tasks whose parent has none of it: a memfd, shared anonymous memory and a deleted file of /dev/shm.
 *
 * One sibling has only mappings, the other one maps half of it elsewhere and has the memfd's descriptor.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (8 * TEST_PAGE)
#define HALF (SIZE / 2)

enum { MEMFD, ANON, FILE_GONE, NR };

static char *mem[NR];
static int fd;
static struct test_sync sync_all;

static void first(void)
{
	MUST(close(fd));
	test_sync_done(&sync_all);
	test_wait_polling();
	for (int i = 0; i < NR; i++) {
		test_verify(mem[i], SIZE - 64, i);
		test_fill(mem[i] + HALF, TEST_PAGE, i + 10);
		atomic_store((atomic_int *)(mem[i] + SIZE - 64), 1);
	}
	_exit(0);
}

static void second(void)
{
	char *moved[NR], page[TEST_PAGE];

	for (int i = 0; i < NR; i++) {
		moved[i] = MUST((char *)mremap(mem[i] + HALF, HALF, HALF, MREMAP_MAYMOVE | MREMAP_FIXED,
					       (char *)0x123400000000 + i * SIZE * 2));
		MUST(munmap(mem[i], HALF));
	}
	test_sync_done(&sync_all);
	test_wait_polling();
	for (int i = 0; i < NR; i++) {
		while (!atomic_load((atomic_int *)(moved[i] + HALF - 64)))
			test_msleep(2);
		test_verify(moved[i], TEST_PAGE, i + 10);
	}
	CHECK_EQ(pread(fd, page, TEST_PAGE, HALF), TEST_PAGE);
	test_verify(page, TEST_PAGE, MEMFD + 10);
	_exit(0);
}

int main(int argc, char **argv)
{
	char name[] = "/dev/shm/zdtm.memfd_siblings.XXXXXX";
	pid_t kids[2];
	int gone;

	test_init(argc, argv);
	fd = MUST(memfd_create("kin", 0));
	MUST(ftruncate(fd, SIZE));
	gone = MUST(mkstemp(name));
	MUST(unlink(name));
	MUST(ftruncate(gone, SIZE));
	mem[MEMFD] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	mem[ANON] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	mem[FILE_GONE] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, gone, 0));
	MUST(close(gone));
	for (int i = 0; i < NR; i++)
		test_fill(mem[i], SIZE - 64, i);
	test_sync_init(&sync_all);
	for (int i = 0; i < 2; i++) {
		kids[i] = MUST(fork());
		if (kids[i] == 0)
			(i ? second : first)();
	}
	test_sync_wait(&sync_all, 2);
	if (!test_sabotage())
		for (int i = 0; i < NR; i++)
			MUST(munmap(mem[i], SIZE));
	MUST(close(fd));

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[ANON][5]++;
	test_reap(kids[0]);
	test_reap(kids[1]);
	pass();
}
