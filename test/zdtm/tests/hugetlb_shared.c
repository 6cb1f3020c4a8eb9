/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Huge pages that two tasks share: anonymous memory, a sealed memfd and a System V segment; untouched ones stay so.
 *
 * huge-pages: 2048kB 20
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "zdtm.h"

#define HUGE (2ul << 20)
#define SIZE (3 * HUGE)

enum { ANON, MEMFD, SYSV, NR };

static struct test_sync sync_all;
static char *mem[NR];

static void child(int fd)
{
	close(fd);
	test_sync_done(&sync_all);
	test_wait_polling();
	for (int i = 0; i < NR; i++) {
		while (!atomic_load((atomic_int *)(mem[i] + 2 * HUGE)))
			test_msleep(2);
		test_verify(mem[i], HUGE, i + 10);
		test_fill(mem[i] + HUGE, HUGE, i + 20);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct shmid_ds ds;
	char *private;
	struct stat st;
	pid_t kid;
	int fd, id;

	test_init(argc, argv);
	mem[ANON] =
		MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0));
	fd = MUST(memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING));
	MUST(ftruncate(fd, SIZE));
	mem[MEMFD] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	private = MUST((char *)mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	id = MUST(shmget(IPC_PRIVATE, SIZE - 100, SHM_HUGETLB | 0600));
	mem[SYSV] = MUST((char *)shmat(id, NULL, 0));
	MUST(shmctl(id, IPC_RMID, NULL));
	for (int i = 0; i < NR; i++)
		test_fill(mem[i], HUGE, i);
	test_fill(private, HUGE, 5);
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	MUST(lseek(fd, 1234, SEEK_SET));
	test_sync_init(&sync_all);
	kid = MUST(fork());
	if (kid == 0)
		child(fd);
	test_sync_wait(&sync_all, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[SYSV][7]++;
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_blksize, HUGE);
	CHECK_EQ(st.st_size, SIZE);
	CHECK_EQ(st.st_blocks * 512, HUGE);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1234);
	MUST(shmctl(id, IPC_STAT, &ds));
	CHECK_EQ(ds.shm_segsz, SIZE - 100);
	CHECK_EQ(ds.shm_nattch, 2);
	for (int i = 0; i < NR; i++) {
		test_verify(mem[i], HUGE, i);
		test_fill(mem[i], HUGE, i + 10);
		atomic_store((atomic_int *)(mem[i] + 2 * HUGE), 1);
	}
	test_reap(kid);
	for (int i = 0; i < NR; i++)
		test_verify(mem[i] + HUGE, HUGE, i + 20);
	test_verify(private, HUGE, 5);
	pass();
}
