/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that share their memory (CLONE_VM) and nothing else: a child, its own child, a sibling that the child has
 * made, and a child of that one by fork(2). What one writes or maps, all see, but for the last. Their descriptors, also
 * of files in /proc that are about themselves, directories and signal handlers are their own.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sharing.h"

enum { KID, GRANDKID, SIBLING, NR };

static volatile int ready, steps[NR], fork_sees;
static char *volatile mapped;
static char *private;

static void open_stat(int nr)
{
	int fd = MUST(open("/proc/self/stat", O_RDONLY));

	MUST(dup2(fd, nr));
	MUST(close(fd));
}

/* That the descriptor is of the process's own file in /proc. */
static void check_stat(int nr, pid_t pid)
{
	char text[1024] = "";

	MUST(pread(nr, text, sizeof(text) - 1, 0));
	CHECK_EQ(atoi(text), pid);
}

static void in_fork(void)
{
	take_step(&ready);
	test_wait_polling();
	test_verify(private, 64 * TEST_PAGE, 7);
	*private = 99;
	_exit(44);
}

static int in_sibling(void *arg)
{
	char cwd[200];
	int status;
	pid_t kid;

	MUST(dup2(1, 72));
	MUST(chdir("/proc"));
	kid = MUST(fork());
	if (kid == 0) {
		ready = 0;
		fork_sees = 1;
		in_fork();
	}
	take_step(&ready);
	wait_step(&steps[SIBLING], 1);
	CHECK_EQ(fcntl(70, F_GETFD), -1);
	CHECK_EQ(fcntl(72, F_GETFD), 0);
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK(!strcmp(cwd, "/proc"));
	CHECK_EQ(waitpid(kid, &status, 0), kid);
	CHECK_EQ(WEXITSTATUS(status), 44);
	steps[SIBLING]++;
	_exit(0);
}

static int in_grandkid(void *arg)
{
	take_step(&ready);
	wait_step(&steps[GRANDKID], 1);
	mapped = MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	strcpy(mapped, "by the grandchild");
	steps[GRANDKID]++;
	_exit(0);
}

static int in_kid(void *arg)
{
	pid_t kid = clone_on_stack(in_grandkid, CLONE_VM | SIGCHLD);

	clone_on_stack(in_sibling, CLONE_VM | CLONE_PARENT | SIGCHLD);
	MUST(dup2(1, 70));
	open_stat(81);
	umask(0123);
	signal(SIGUSR1, SIG_IGN);
	take_step(&ready);
	wait_step(&steps[KID], 1);
	CHECK_EQ(fcntl(70, F_GETFD), 0);
	check_stat(80, getppid());
	check_stat(81, getpid());
	CHECK_EQ(umask(0), 0123);
	test_reap(kid);
	CHECK_EQ(steps[GRANDKID], 2);
	steps[KID]++;
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sigaction action;
	int status;

	test_init(argc, argv);
	private = MUST(mmap(NULL, 64 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	test_fill(private, 64 * TEST_PAGE, 7);
	umask(022);
	open_stat(80);
	clone_on_stack(in_kid, CLONE_VM | SIGCHLD);
	wait_step(&ready, 3);
	CHECK_EQ(fork_sees, 0);

	test_ready();
	test_wait();

	test_verify(private, 64 * TEST_PAGE, 7);
	for (int i = 0; i < NR; i++)
		steps[i] = 1;
	while (wait(&status) > 0)
		CHECK_EQ(status, 0);
	if (test_sabotage())
		steps[GRANDKID] = 1;
	for (int i = 0; i < NR; i++)
		CHECK_EQ(steps[i], 2);
	CHECK(!strcmp(mapped, "by the grandchild"));
	test_verify(private, 64 * TEST_PAGE, 7);
	CHECK_EQ(umask(0), 022);
	check_stat(80, getpid());
	CHECK_EQ(fcntl(70, F_GETFD), -1);
	CHECK_EQ(fcntl(72, F_GETFD), -1);
	MUST(sigaction(SIGUSR1, NULL, &action));
	CHECK(action.sa_handler == SIG_DFL);
	pass();
}
