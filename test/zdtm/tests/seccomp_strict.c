/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strict seccomp of a process, and of one thread alone: they live, and still may do nothing else.
 *
 * cflags: -pthread
 */
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "zdtm.h"

static int ends[2][2];
static volatile int stage;

/* Reads what to do: 'd', be bad; anything else, end well. */
static void strict(int n)
{
	char byte;

	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	stage = 1;
	while (syscall(SYS_read, ends[n][0], &byte, 1) != 1)
		continue;
	if (byte == 'd')
		syscall(SYS_getpid);
	stage = 2;
	syscall(SYS_exit, 0);
}

static void *thread_main(void *arg)
{
	strict(1);
	return NULL;
}

int main(int argc, char **argv)
{
	char word = 'd', mode[16];
	pthread_t thread;
	int status;
	pid_t pid;

	test_init(argc, argv);
	MUST(pipe(ends[0]));
	MUST(pipe(ends[1]));
	pid = MUST(fork());
	if (!pid)
		strict(0);
	do {
		test_msleep(1);
		test_status(pid, "Seccomp", mode, sizeof(mode));
	} while (atoi(mode) != SECCOMP_MODE_STRICT);
	CHECK(!pthread_create(&thread, NULL, thread_main, NULL));
	while (!stage)
		test_msleep(1);

	test_ready();
	test_wait();

	test_status(pid, "Seccomp", mode, sizeof(mode));
	CHECK_EQ(atoi(mode), SECCOMP_MODE_STRICT);
	CHECK_EQ(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), SECCOMP_MODE_DISABLED);
	if (test_sabotage())
		word = 'x';
	CHECK_EQ(write(ends[0][1], &word, 1), 1);
	MUST(waitpid(pid, &status, 0));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	word = 'x';
	CHECK_EQ(write(ends[1][1], &word, 1), 1);
	while (stage != 2)
		test_msleep(1);
	pass();
}
