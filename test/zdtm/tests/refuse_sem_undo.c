/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A System V semaphore operation that is to be undone at exit is refused.
 *
 * expect: refused SEM_UNDO
 */
#include <sys/sem.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct sembuf op = { .sem_op = 3, .sem_flg = SEM_UNDO };
	int id;

	test_init(argc, argv);
	id = MUST(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
	MUST(semop(id, &op, 1));

	test_ready();
	test_wait();

	CHECK_EQ(semctl(id, 0, GETVAL), 3);
	MUST(semctl(id, 0, IPC_RMID));
	pass();
}
