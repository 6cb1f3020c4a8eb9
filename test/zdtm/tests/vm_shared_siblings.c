/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two pairs of siblings that share their memory and their descriptors pair by pair, but not with their parent; each has
 * a child of the usual kind that shares the directories of its parent. Much of their memory is shared copy-on-write by
 * all of them.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sharing.h"

/* What a pair has in its memory; nobody else has the same. */
static volatile int ready, go, number, reaped;
/* Of all. */
static volatile int *steps;
static char *big;

#define BIG (4ul << 20)

/* By fork(2), so that it has a copy of the pair's memory, but CLONE_FS. */
static void fork_child(void)
{
	pid_t kid = fork_sharing(CLONE_FS);

	if (kid == 0) {
		take_step(&steps[0]);
		test_wait_polling();
		CHECK_EQ(go, 0);
		test_verify(big, BIG - 1, 5);
		umask(number);
		_exit(0);
	}
	wait_step(&go, 1);
	test_reap(kid);
	CHECK_EQ(umask(0), number);
	take_step(&reaped);
}

static int in_second(void *arg)
{
	umask(7);
	take_step(&ready);
	fork_child();
	MUST(dup2(1, 70));
	big[BIG - 1] += 90;
	go++;
	_exit(0);
}

static void in_first(int pair)
{
	number = 020 + pair;
	clone_on_stack(in_second, CLONE_VM | CLONE_FILES | CLONE_PARENT | SIGCHLD);
	wait_step(&ready, 1);
	big[BIG - 1] = pair;
	if (fork_sharing(0) == 0) {
		take_step(&steps[0]);
		test_wait_polling();
		CHECK_EQ(fcntl(70, F_GETFD), -1);
		_exit(0);
	}
	take_step(&steps[0]);
	test_wait_polling();
	if (test_sabotage())
		number++;
	go = 1;
	wait_step(&go, 2);
	CHECK_EQ(reaped, 1);
	CHECK_EQ(big[BIG - 1], 90 + pair);
	test_verify(big, BIG - 1, 5);
	CHECK_EQ(number, 020 + pair);
	CHECK_EQ(fcntl(70, F_GETFD), 0);
	MUST(wait(NULL));
	_exit(0);
}

int main(int argc, char **argv)
{
	int status, nr = 0;

	test_init(argc, argv);
	steps = make_steps();
	big = MUST(mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	test_fill(big, BIG, 5);
	for (int pair = 0; pair < 2; pair++)
		if (fork_sharing(0) == 0)
			in_first(pair);
	wait_step(&steps[0], 6);

	test_ready();
	test_wait();

	while (wait(&status) > 0) {
		CHECK_EQ(status, 0);
		nr++;
	}
	CHECK_EQ(nr, 4);
	CHECK_EQ(number, 0);
	test_verify(big, BIG, 5);
	CHECK_EQ(fcntl(70, F_GETFD), -1);
	pass();
}
