/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that share their memory have the rest for themselves: session, name, limits, user, timer, pending signals,
 * threads. One of them is stopped. They have more memory than a task reads by itself.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "sharing.h"

#define BIG (24ul << 20)

static volatile int ready, go;

/* A process and how many of its threads have been told to go. */
struct process {
	pid_t pid;
	volatile int done;
};

static int in_thread(void *arg)
{
	struct process *process = arg;

	take_step(&ready);
	wait_step(&go, 1);
	CHECK_EQ(syscall(SYS_getpid), process->pid);
	take_step(&process->done);
	syscall(SYS_exit, 0);
	return 0;
}

/* As pthread_create(3), which can't be called here: the library has one thread's memory for all these processes. */
static pid_t make_thread(struct process *process)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	char *stack = MUST(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0));

	process->pid = getpid();
	return MUST(clone(in_thread, stack + 65536, flags, process));
}

static int in_leader(void *arg)
{
	const struct itimerval timer = { .it_value = { 100000, 0 } };
	const struct rlimit limit = { 77, 88 };
	struct itimerval left;
	struct rlimit now;
	static struct process self;
	sigset_t pending, usr1;
	char name[16];

	MUST(setsid());
	MUST(prctl(PR_SET_NAME, "leader"));
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	MUST(setitimer(ITIMER_REAL, &timer, NULL));
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	MUST(raise(SIGUSR1));
	make_thread(&self);
	make_thread(&self);
	take_step(&ready);
	wait_step(&go, 1);
	CHECK_EQ(getsid(0), getpid());
	MUST(prctl(PR_GET_NAME, name));
	CHECK(!strcmp(name, "leader"));
	MUST(getrlimit(RLIMIT_NOFILE, &now));
	CHECK_EQ(now.rlim_cur, 77);
	CHECK_EQ(now.rlim_max, 88);
	MUST(getitimer(ITIMER_REAL, &left));
	CHECK(left.it_value.tv_sec > 90000);
	MUST(sigpending(&pending));
	CHECK(sigismember(&pending, SIGUSR1));
	wait_step(&self.done, 2);
	_exit(0);
}

static int in_user(void *arg)
{
	static struct process self;

	MUST(setpgid(0, 0));
	MUST(syscall(SYS_setresuid, 1234, 1234, 1234));
	make_thread(&self);
	take_step(&ready);
	wait_step(&go, 1);
	CHECK_EQ(getuid(), 1234);
	CHECK_EQ(getpgid(0), getpid());
	wait_step(&self.done, 1);
	_exit(0);
}

static int in_stopped(void *arg)
{
	take_step(&ready);
	raise(SIGSTOP);
	wait_step(&go, 1);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t leader, user, stopped;
	int status;
	char *big;

	test_init(argc, argv);
	big = MUST(mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	test_fill(big, BIG, 3);
	leader = clone_on_stack(in_leader, CLONE_VM | SIGCHLD);
	user = clone_on_stack(in_user, CLONE_VM | CLONE_SIGHAND | SIGCHLD);
	stopped = clone_on_stack(in_stopped, CLONE_VM | CLONE_SIGHAND | CLONE_FS | SIGCHLD);
	wait_step(&ready, 6);
	CHECK_EQ(waitpid(stopped, &status, WUNTRACED), stopped);

	test_ready();
	test_wait();

	if (test_sabotage())
		big[BIG / 2] ^= 1;
	test_verify(big, BIG, 3);
	go = 1;
	MUST(kill(stopped, SIGCONT));
	test_reap(leader);
	test_reap(user);
	test_reap(stopped);
	CHECK_EQ(getuid(), 0);
	CHECK(getsid(0) != leader);
	pass();
}
