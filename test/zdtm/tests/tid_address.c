/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The address that the kernel clears and wakes when a thread ends (set_tid_address) survives.
 *
 * A thread made with bare clone(2) and an address of our choice; pthread_join() rests on the same.
 */
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "zdtm.h"

static volatile int cleared, end;

static int body(void *arg)
{
	while (!end)
		syscall(SYS_futex, &end, FUTEX_WAIT, 0, NULL, NULL, 0);
	syscall(SYS_exit, 0);
	return 0;
}

int main(int argc, char **argv)
{
	struct timespec limit = { 5, 0 };
	char *stack;
	int tid;

	test_init(argc, argv);
	stack = MUST((char *)mmap(NULL, 16 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	tid = MUST(clone(body, stack + 16 * TEST_PAGE,
			 CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
				 CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID,
			 NULL, NULL, NULL, &cleared));
	while (cleared != tid)
		test_msleep(1);

	test_ready();
	test_wait();

	CHECK_EQ(cleared, tid);
	if (!test_sabotage()) {
		end = 1;
		syscall(SYS_futex, &end, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	while (cleared)
		if (syscall(SYS_futex, &cleared, FUTEX_WAIT, tid, &limit, NULL, 0) == -1 && errno == ETIMEDOUT)
			fail("the address wasn't cleared");
	pass();
}
