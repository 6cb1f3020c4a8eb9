/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is swapped out keeps its content: a task's own, own copies of a file's pages, shared anonymous memory, a
 * memfd and a System V segment.
 *
 * Skipped where there is no swap.
 */
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "zdtm.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define NR   256
#define SIZE (NR * TEST_PAGE)

enum { OWN, COPIES, ANON, MEMFD, SYSV, KINDS };

static char *mem[KINDS];

static void map_all(void)
{
	int file = MUST(open("file", O_RDWR | O_CREAT | O_EXCL, 0600)), memfd = MUST(memfd_create("out", 0)), id;

	MUST(ftruncate(file, SIZE));
	MUST(ftruncate(memfd, SIZE));
	id = MUST(shmget(IPC_PRIVATE, SIZE, 0600));
	mem[OWN] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	mem[COPIES] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0));
	mem[ANON] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	mem[MEMFD] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0));
	mem[SYSV] = MUST((char *)shmat(id, NULL, 0));
	MUST(shmctl(id, IPC_RMID, NULL));
	for (int i = 0; i < KINDS; i++)
		test_fill(mem[i], SIZE, i);
}

/* How many of the task's own pages at P are in swap. */
static size_t swapped(const char *p)
{
	int fd = MUST(open("/proc/self/pagemap", O_RDONLY));
	uint64_t entries[NR];
	size_t nr = 0;

	CHECK_EQ(pread(fd, entries, sizeof(entries), (uintptr_t)p / TEST_PAGE * sizeof(entries[0])), sizeof(entries));
	MUST(close(fd));
	for (size_t i = 0; i < NR; i++)
		nr += entries[i] >> 62 & 1;
	return nr;
}

/* How many of the pages that are shared at P are in RAM: swapped ones leave nothing in the page table. */
static size_t resident(char *p)
{
	unsigned char there[NR];
	size_t nr = 0;

	MUST(mincore(p, SIZE, there));
	for (size_t i = 0; i < NR; i++)
		nr += there[i] & 1;
	return nr;
}

int main(int argc, char **argv)
{
	char swaps[4096];

	test_init(argc, argv);
	test_read_file("/proc/swaps", swaps, sizeof(swaps));
	if (!strchr(swaps, '\n') || !strchr(swaps, '\n')[1])
		skip("no swap");
	map_all();
	for (int i = 0; i < KINDS; i++) {
		/* The kernel leaves pages that it is busy with. */
		for (int n = 0; n < 50; n++) {
			MUST(madvise(mem[i], SIZE, MADV_PAGEOUT));
			if (i <= COPIES ? swapped(mem[i]) == NR : !resident(mem[i]))
				break;
			test_msleep(10);
		}
		CHECK(i <= COPIES ? swapped(mem[i]) > NR / 2 : resident(mem[i]) < NR / 2);
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[ANON][SIZE - 1]++;
	for (int i = 0; i < KINDS; i++)
		test_verify(mem[i], SIZE, i);
	pass();
}
