/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptor tables that are shared (CLONE_FILES) by relatives none of whom has created the other: by siblings, by a
 * grandparent and a grandchild, by an uncle and a nephew, while those between them have tables of their own.
 */
#include <fcntl.h>

#include <sys/wait.h>

#include "sharing.h"

enum { SIBLINGS = 100, GRAND = 110, NEPHEW = 120 };

static volatile int *steps;

/* One waits for the number that the other opens. */
static void see(int nr)
{
	take_step(&steps[0]);
	wait_step(&steps[nr], 1);
	CHECK_EQ(fcntl(nr, F_GETFD), 0);
	CHECK_EQ(fcntl(nr - 1, F_GETFD), 0);
	_exit(0);
}

static void show(int nr)
{
	take_step(&steps[0]);
	test_wait_polling();
	if (test_sabotage())
		MUST(unshare(CLONE_FILES));
	MUST(dup2(1, nr));
	take_step(&steps[nr]);
	_exit(0);
}

/* Both are children of one that doesn't share: the first makes the second. */
static void siblings(void)
{
	if (fork_sharing(0) == 0) {
		MUST(dup2(1, SIBLINGS - 1));
		if (fork_sharing(CLONE_FILES | CLONE_PARENT) == 0)
			show(SIBLINGS);
		see(SIBLINGS);
	}
}

/* With the calling process. */
static void grandchild(void)
{
	MUST(dup2(1, GRAND - 1));
	if (fork_sharing(CLONE_FILES) == 0) {
		pid_t kid = fork_sharing(CLONE_FILES);

		if (kid == 0)
			show(GRAND);
		MUST(unshare(CLONE_FILES));
		take_step(&steps[0]);
		test_reap(kid);
		CHECK_EQ(fcntl(GRAND, F_GETFD), -1);
		_exit(0);
	}
}

static void nephew(void)
{
	if (fork_sharing(0) == 0) {
		MUST(dup2(1, NEPHEW - 1));
		if (fork_sharing(CLONE_FILES | CLONE_PARENT) == 0) {
			pid_t kid = fork_sharing(CLONE_FILES);

			if (kid == 0)
				show(NEPHEW);
			MUST(unshare(CLONE_FILES));
			take_step(&steps[0]);
			test_reap(kid);
			CHECK_EQ(fcntl(NEPHEW, F_GETFD), -1);
			_exit(0);
		}
		see(NEPHEW);
	}
}

int main(int argc, char **argv)
{
	int status;

	test_init(argc, argv);
	steps = make_steps();
	siblings();
	nephew();
	grandchild();
	wait_step(&steps[0], 7);

	test_ready();
	test_wait();

	while (wait(&status) > 0)
		CHECK_EQ(status, 0);
	CHECK_EQ(fcntl(GRAND, F_GETFD), 0);
	CHECK_EQ(fcntl(SIBLINGS, F_GETFD), -1);
	CHECK_EQ(fcntl(NEPHEW, F_GETFD), -1);
	pass();
}
