/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Directories and umask that two processes share (CLONE_FS) without their descriptors, and two others with them: what
 * one changes, the other has, a root directory too.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "sharing.h"

static volatile int *steps;

static void in_kid(void)
{
	test_wait_polling();
	if (test_sabotage())
		MUST(unshare(CLONE_FS));
	CHECK_EQ(umask(0123), 022);
	MUST(chdir("/proc"));
	MUST(dup2(1, 90));
	_exit(0);
}

/* A pair of its own, in a root directory of its own. */
static void in_pair(void)
{
	char cwd[64];
	pid_t kid;

	MUST(mkdir("jail", 0755));
	MUST(mkdir("jail/cell", 0755));
	MUST(chroot("jail"));
	MUST(chdir("/"));
	kid = fork_sharing(CLONE_FS | CLONE_FILES);
	if (kid == 0) {
		take_step(&steps[0]);
		wait_step(&steps[1], 1);
		MUST(chdir("/cell"));
		_exit(0);
	}
	wait_step(&steps[1], 1);
	test_reap(kid);
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK(!strcmp(cwd, "/cell"));
	_exit(0);
}

int main(int argc, char **argv)
{
	char cwd[64];
	pid_t kid, pair;

	test_init(argc, argv);
	steps = make_steps();
	umask(022);
	pair = fork_sharing(0);
	if (pair == 0)
		in_pair();
	kid = fork_sharing(CLONE_FS);
	if (kid == 0)
		in_kid();
	wait_step(&steps[0], 1);

	test_ready();
	test_wait();

	test_reap(kid);
	CHECK_EQ(umask(0), 0123);
	CHECK_EQ(fcntl(90, F_GETFD), -1);
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK(!strcmp(cwd, "/proc"));
	take_step(&steps[1]);
	test_reap(pair);
	pass();
}
