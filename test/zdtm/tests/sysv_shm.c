/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System V shared memory of two tasks: content, id, key, size, owner and mode; how often it is attached.
 *
 * One segment stays in the namespace, one is marked for destruction and so is gone when the tasks are.
 */
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/random.h>
#include <sys/shm.h>

#include "zdtm.h"

#define SIZE (5 * TEST_PAGE + 100)

enum { KEPT, MARKED, NR };

static struct test_sync sync_all;
static char *mem[NR];
static int ids[NR];

static void child(void)
{
	CHECK_EQ((intptr_t)shmdt(mem[KEPT]), 0);
	mem[KEPT] = MUST((char *)shmat(ids[KEPT], NULL, SHM_RDONLY));
	test_sync_done(&sync_all);
	test_wait_polling();
	while (!atomic_load((atomic_int *)(mem[KEPT] + SIZE - 64)))
		test_msleep(2);
	test_verify(mem[KEPT], TEST_PAGE, 7);
	test_fill(mem[MARKED] + TEST_PAGE, TEST_PAGE, 8);
	_exit(0);
}

static void check_stat(int which, key_t key, int mode, uid_t uid, gid_t gid, int attached)
{
	struct shmid_ds ds;

	MUST(shmctl(ids[which], IPC_STAT, &ds));
	CHECK_EQ(ds.shm_perm.__key, key);
	CHECK_EQ(ds.shm_perm.mode, mode);
	CHECK_EQ(ds.shm_perm.uid, uid);
	CHECK_EQ(ds.shm_perm.gid, gid);
	CHECK_EQ(ds.shm_perm.cuid, geteuid());
	CHECK_EQ(ds.shm_segsz, SIZE);
	CHECK_EQ(ds.shm_nattch, attached);
}

static void set_owner(int id, uid_t uid, gid_t gid, int mode)
{
	struct shmid_ds ds;

	MUST(shmctl(id, IPC_STAT, &ds));
	ds.shm_perm.uid = uid;
	ds.shm_perm.gid = gid;
	ds.shm_perm.mode = mode;
	MUST(shmctl(id, IPC_SET, &ds));
}

int main(int argc, char **argv)
{
	key_t key = IPC_PRIVATE;
	pid_t kid;

	test_init(argc, argv);
	while (key == IPC_PRIVATE)
		CHECK_EQ(getrandom(&key, sizeof(key), 0), sizeof(key));
	ids[KEPT] = MUST(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	ids[MARKED] = MUST(shmget(IPC_PRIVATE, SIZE, 0640));
	for (int i = 0; i < NR; i++) {
		mem[i] = MUST((char *)shmat(ids[i], NULL, 0));
		test_fill(mem[i] + 2 * TEST_PAGE, TEST_PAGE, i);
	}
	set_owner(ids[KEPT], 1234, 5678, 0620);
	test_sync_init(&sync_all);
	kid = MUST(fork());
	if (kid == 0)
		child();
	test_sync_wait(&sync_all, 1);
	MUST(shmctl(ids[MARKED], IPC_RMID, NULL));

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[MARKED][2 * TEST_PAGE]++;
	CHECK_EQ(MUST(shmget(key, 0, 0)), ids[KEPT]);
	check_stat(KEPT, key, 0620, 1234, 5678, 2);
	MUST(shmctl(ids[KEPT], IPC_RMID, NULL));
	check_stat(MARKED, IPC_PRIVATE, 0640 | SHM_DEST, geteuid(), getegid(), 2);
	for (int i = 0; i < NR; i++) {
		test_verify(mem[i] + 2 * TEST_PAGE, TEST_PAGE, i);
		test_verify_bytes(mem[i], 2 * TEST_PAGE, 0);
		test_verify_bytes(mem[i] + 3 * TEST_PAGE, 2 * TEST_PAGE + 100, 0);
	}
	test_fill(mem[KEPT], TEST_PAGE, 7);
	atomic_store((atomic_int *)(mem[KEPT] + SIZE - 64), 1);
	test_reap(kid);
	test_verify(mem[MARKED] + TEST_PAGE, TEST_PAGE, 8);
	for (int i = 0; i < NR; i++) {
		struct shmid_ds ds;

		MUST(shmdt(mem[i]));
		CHECK(shmctl(ids[i], IPC_STAT, &ds) == -1 && (errno == EINVAL || errno == EIDRM));
	}
	pass();
}
