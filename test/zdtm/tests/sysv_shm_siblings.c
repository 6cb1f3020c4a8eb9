/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System V segments of tasks whose parent has none; made by another user; locked; with an id like other shared
 * memory's.
 */
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/shm.h>

#include "zdtm.h"

#define NR   40
#define UID  4711
#define SIZE (2 * TEST_PAGE)

static struct test_sync sync_all;
static atomic_int *looked_at; /* nothing is detached before */
static int ids[NR];

/* Anonymous memory is numbered in the same range. */
static void child(int which)
{
	char *mem[NR], *anon[NR];

	for (int i = 0; i < NR; i++) {
		mem[i] = MUST((char *)shmat(ids[i], NULL, 0));
		anon[i] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
		test_fill(mem[i] + which * TEST_PAGE, TEST_PAGE, 2 * i + which);
		test_fill(anon[i], SIZE, 100 + i);
	}
	test_sync_done(&sync_all);
	test_wait_polling();
	for (int i = 0; i < NR; i++) {
		test_verify(mem[i], TEST_PAGE, 2 * i);
		test_verify(mem[i] + TEST_PAGE, TEST_PAGE, 2 * i + 1);
		test_verify(anon[i], SIZE, 100 + i);
	}
	while (!atomic_load(looked_at))
		test_msleep(2);
	_exit(0);
}

static void make_as(uid_t uid)
{
	key_t key;
	pid_t pid;
	int id;

	CHECK_EQ(getrandom(&key, sizeof(key), 0), sizeof(key));
	key |= 1; /* not IPC_PRIVATE */
	pid = MUST(fork());
	if (pid == 0) {
		MUST(setresgid(uid + 1, uid + 1, uid + 1));
		MUST(setresuid(uid, uid, uid));
		id = MUST(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0666));
		test_sync_done(&sync_all);
		_exit(id == -1);
	}
	test_sync_wait(&sync_all, 1);
	test_reap(pid);
	ids[0] = MUST(shmget(key, 0, 0));
}

int main(int argc, char **argv)
{
	struct shmid_ds ds;
	pid_t kids[2];

	test_init(argc, argv);
	test_sync_init(&sync_all);
	make_as(UID);
	for (int i = 1; i < NR; i++)
		ids[i] = MUST(shmget(IPC_PRIVATE, SIZE, 0600));
	MUST(shmctl(ids[1], SHM_LOCK, NULL));
	test_sync_init(&sync_all);
	looked_at =
		MUST((atomic_int *)mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	for (int i = 0; i < 2; i++) {
		kids[i] = MUST(fork());
		if (kids[i] == 0)
			child(i);
	}
	test_sync_wait(&sync_all, 2);
	for (int i = 0; i < NR; i++)
		MUST(shmctl(ids[i], IPC_RMID, NULL));

	test_ready();
	test_wait();

	MUST(shmctl(ids[0], IPC_STAT, &ds));
	CHECK_EQ(ds.shm_perm.cuid, UID);
	CHECK_EQ(ds.shm_perm.cgid, UID + 1);
	CHECK_EQ(ds.shm_perm.uid, UID);
	MUST(shmctl(ids[1], IPC_STAT, &ds));
	CHECK_EQ(ds.shm_perm.mode, 0600 | SHM_DEST | SHM_LOCKED);
	CHECK_EQ(ds.shm_nattch, 2);
	atomic_store(looked_at, 1);
	if (test_sabotage())
		*MUST((char *)shmat(ids[5], NULL, 0)) = 'x';
	test_reap(kids[0]);
	test_reap(kids[1]);
	pass();
}
