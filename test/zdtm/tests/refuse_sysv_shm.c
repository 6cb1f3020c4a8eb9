/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System V shared memory is refused.
 *
 * expect: refused (System V|SYSV)
 */
#include <sys/shm.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char *p;
	int id;

	test_init(argc, argv);
	id = MUST(shmget(IPC_PRIVATE, TEST_PAGE, IPC_CREAT | 0600));
	p = MUST((char *)shmat(id, NULL, 0));
	MUST(shmctl(id, IPC_RMID, NULL));
	strcpy(p, "text");

	test_ready();
	test_wait();

	CHECK(!strcmp(p, "text"));
	pass();
}
