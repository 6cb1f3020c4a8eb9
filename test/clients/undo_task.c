/* SPDX-License-Identifier: GPL-2.0 */
/* What dump_undo.py dumps: a task in a state that its argument names. It writes "ready" when it has got there. */
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NR_THREADS  200
#define NR_CHILDREN 29

static void ready(void)
{
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		_exit(1);
}

static void *sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void plain(void)
{
	ready();
	sleeper(NULL);
}

/* Enough memory for a dump to be interrupted while it copies. */
static void large(void)
{
	size_t size = 256ul << 20;
	char *memory = malloc(size);

	if (!memory)
		_exit(1);
	memset(memory, 1, size);
	plain();
}

static void threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 1; i < NR_THREADS; i++)
		if (pthread_create(&thread, &attr, sleeper, NULL))
			_exit(1);
	plain();
}

/* A chain of three below each of some, a zombie among them. */
static void tree(void)
{
	for (int i = 0; i < NR_CHILDREN; i++) {
		pid_t pid = fork();

		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (i == 7)
			_exit(3);
		if (i % 5 == 0 && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sleeper(NULL);
		}
		sleeper(NULL);
	}
	usleep(100000);
	plain();
}

static void stopped(void)
{
	ready();
	raise(SIGSTOP);
	sleeper(NULL);
}

static void pending(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = i });
	plain();
}

static void in_nanosleep(void)
{
	struct timespec ts = { .tv_sec = 1000 };

	ready();
	/* A dump that is undone lets it sleep on: it never returns early. */
	if (nanosleep(&ts, NULL))
		_exit(2);
}

static void in_poll(void)
{
	ready();
	if (poll(NULL, 0, 1000000) < 0)
		_exit(2);
}

static void in_read(void)
{
	int fds[2];
	char c;

	if (pipe(fds))
		_exit(1);
	ready();
	if (read(fds[0], &c, 1) < 0)
		_exit(2);
}

static void in_futex(void)
{
	struct timespec ts = { .tv_sec = 1000 };
	static int word;

	ready();
	if (syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0) < 0)
		_exit(2);
}

static void in_sigsuspend(void)
{
	sigset_t set;

	sigfillset(&set);
	ready();
	sigsuspend(&set);
	_exit(2);
}

/* Burns time in user mode: what it computes tells if a register was lost. */
static void running(void)
{
	volatile double x = 1;

	ready();
	for (unsigned long i = 0;; i++) {
		double a = x * 1.5, b = a / 1.5;

		if (b != x)
			_exit(2);
		usleep(50);
	}
}

/* The leader has gone, its thread lives on. */
static void leaderless(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleeper, NULL))
		_exit(1);
	ready();
	pthread_exit(NULL);
}

/* Threads come and go as fast as they can. */
static void *short_lived(void *arg)
{
	return arg;
}

static void *churn(void *arg)
{
	pthread_t thread;

	for (;;)
		if (!pthread_create(&thread, NULL, short_lived, NULL))
			pthread_join(thread, NULL);
	return arg;
}

static void churning(void)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread, NULL, churn, NULL))
			_exit(1);
	plain();
}

/* So do children, which nobody waits for. */
static void forking(void)
{
	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ready();
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			if (fork() == 0)
				usleep(2000);
			_exit(0);
		}
		usleep(300);
	}
}

static void *exec_self(void *arg)
{
	usleep(3000);
	execl("/proc/self/exe", "undo_task", "execing", "again", NULL);
	return arg;
}

/* A thread that isn't the leader replaces all others by itself, over and over. */
static void execing(bool again)
{
	pthread_t thread;

	for (int i = 0; i < 6; i++)
		if (pthread_create(&thread, NULL, sleeper, NULL))
			_exit(1);
	if (!again)
		ready();
	if (pthread_create(&thread, NULL, exec_self, NULL))
		_exit(1);
	sleeper(NULL);
}

static void in_vfork(void)
{
	ready();
	if (vfork() == 0) {
		struct timespec ts = { .tv_sec = 1000 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		nanosleep(&ts, NULL);
		_exit(2);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{ "plain", plain },	      { "large", large },	{ "threads", threads },		 { "tree", tree },
	{ "stopped", stopped },	      { "pending", pending },	{ "nanosleep", in_nanosleep },	 { "poll", in_poll },
	{ "read", in_read },	      { "futex", in_futex },	{ "sigsuspend", in_sigsuspend }, { "running", running },
	{ "leaderless", leaderless }, { "churning", churning }, { "forking", forking },		 { "vfork", in_vfork },
};

int main(int argc, char **argv)
{
	setsid();
	alarm(120);
	if (argc > 1 && !strcmp(argv[1], "execing"))
		execing(argc > 2);
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name))
			modes[i].run();
	return 1;
}
