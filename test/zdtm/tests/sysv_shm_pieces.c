/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A System V segment attached several times: for reading, executable, with holes and other protection in it, moved, and
 * with other memory where it once was.
 */
#include <setjmp.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "zdtm.h"

#define PAGES 8
#define SIZE  (PAGES * TEST_PAGE)

static char *reader, *program, *holey, *moved, *behind, *front;
static sigjmp_buf jump;

static void on_fault(int sig)
{
	siglongjmp(jump, 1);
}

static bool can_write(char *p)
{
	if (sigsetjmp(jump, 1))
		return false;
	*(volatile char *)p = *p;
	return true;
}

static char *attach(int id, int flags)
{
	return MUST((char *)shmat(id, NULL, flags));
}

static int attached(int id)
{
	struct shmid_ds ds;

	MUST(shmctl(id, IPC_STAT, &ds));
	return ds.shm_nattch;
}

int main(int argc, char **argv)
{
	int id, count;

	test_init(argc, argv);
	signal(SIGSEGV, on_fault);
	id = MUST(shmget(IPC_PRIVATE, SIZE, 0600));
	reader = attach(id, SHM_RDONLY);
	program = attach(id, SHM_EXEC);
	holey = attach(id, 0);
	moved = attach(id, 0);
	front = attach(id, 0);
	MUST(shmctl(id, IPC_RMID, NULL));
	test_fill(holey, SIZE, 1);
	holey[7 * TEST_PAGE] = (char)0xc3; /* ret */

	/* The hole has other memory in it. */
	MUST(munmap(holey + 2 * TEST_PAGE, 2 * TEST_PAGE));
	MUST(mmap(holey + 2 * TEST_PAGE, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0));
	holey[2 * TEST_PAGE] = 'o';
	MUST(mprotect(holey + 5 * TEST_PAGE, TEST_PAGE, PROT_NONE));
	MUST(madvise(holey + 6 * TEST_PAGE, TEST_PAGE, MADV_DONTFORK));
	/* Only the last pages, and far away; in front of them something else is. */
	behind = MUST((char *)mremap(moved + 6 * TEST_PAGE, 2 * TEST_PAGE, 2 * TEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				     (char *)0x10000000));
	MUST(munmap(moved, 6 * TEST_PAGE));
	/* The second half where the first half of another attachment ends. */
	MUST(munmap(front + SIZE / 2, SIZE / 2));
	count = attached(id);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(shmdt(reader));
	CHECK_EQ(attached(id), count);
	test_verify(reader, 7 * TEST_PAGE, 1);
	CHECK(!can_write(reader));
	CHECK(mprotect(reader, SIZE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	((void (*)(void))(program + 7 * TEST_PAGE))();
	CHECK(can_write(program));
	CHECK_MEM(holey, reader, 2 * TEST_PAGE);
	CHECK_EQ(holey[2 * TEST_PAGE], 'o');
	CHECK(!can_write(holey + 3 * TEST_PAGE));
	CHECK(!can_write(holey + 5 * TEST_PAGE));
	MUST(mprotect(holey + 5 * TEST_PAGE, TEST_PAGE, PROT_READ | PROT_WRITE));
	CHECK_MEM(holey + 4 * TEST_PAGE, reader + 4 * TEST_PAGE, 4 * TEST_PAGE);
	CHECK_MEM(behind, reader + 6 * TEST_PAGE, 2 * TEST_PAGE);
	CHECK_MEM(front, reader, SIZE / 2);
	behind[100] = '!';
	CHECK_EQ(program[6 * TEST_PAGE + 100], '!');
	/* shmdt(2) finds every piece, wherever the segment would begin. */
	MUST(shmdt(behind - 6 * TEST_PAGE));
	CHECK(!can_write(behind));
	MUST(shmdt(holey));
	CHECK(!can_write(holey) && !can_write(holey + 4 * TEST_PAGE) && !can_write(holey + 7 * TEST_PAGE));
	CHECK_EQ(holey[2 * TEST_PAGE], 'o');
	MUST(shmdt(program));
	MUST(shmdt(front));
	CHECK_EQ(attached(id), 1);
	MUST(shmdt(reader));
	pass();
}
