/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System calls without a timeout that a dump interrupts go on as if nothing had been: no EINTR without a handler.
 *
 * One child per call: read from a pipe, futex, waitpid, sigsuspend, pause, select, ppoll, recv, open of a FIFO,
 * epoll_wait, sigwaitinfo, epoll_pwait that a handler ends, write to a full pipe, semop.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "zdtm.h"

static volatile int *word;
static int pipes[5][2], pair[2], semaphores;
static char full[65536]; /* as much as a pipe holds */
static volatile sig_atomic_t got;

static void on_usr1(int sig)
{
	got = sig;
}

static void do_read(void)
{
	char c;

	CHECK_EQ(read(pipes[0][0], &c, 1), 1);
}

static void do_futex(void)
{
	CHECK_EQ(syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
}

static void do_waitpid(void)
{
	pid_t kid = MUST(fork());
	int status;

	if (kid == 0) {
		test_wait_polling();
		_exit(5);
	}
	CHECK_EQ(waitpid(kid, &status, 0), kid);
	CHECK_EQ(status, 5 << 8);
}

static void do_sigsuspend(void)
{
	sigset_t set, now;

	sigfillset(&set);
	sigdelset(&set, SIGUSR1);
	CHECK(sigsuspend(&set) == -1 && errno == EINTR);
	CHECK_EQ(got, SIGUSR1);
	MUST(sigprocmask(SIG_SETMASK, NULL, &now));
	CHECK(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGHUP));
}

static void do_pause(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK(pause() == -1 && errno == EINTR);
	CHECK_EQ(got, SIGUSR1);
}

static void do_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipes[1][0], &set);
	CHECK_EQ(select(pipes[1][0] + 1, &set, NULL, NULL, NULL), 1);
}

static void do_ppoll(void)
{
	struct pollfd p = { .fd = pipes[2][0], .events = POLLIN };

	CHECK_EQ(ppoll(&p, 1, NULL, NULL), 1);
}

static void do_recv(void)
{
	char c;

	CHECK_EQ(recv(pair[0], &c, 1, 0), 1);
}

static void do_open(void)
{
	close(MUST(open("the-fifo", O_RDONLY)));
}

static void do_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = MUST(epoll_create1(0));

	MUST(epoll_ctl(fd, EPOLL_CTL_ADD, pipes[3][0], &event));
	CHECK_EQ(epoll_wait(fd, &event, 1, -1), 1);
}

static void do_sigwaitinfo(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigwaitinfo(&set, NULL), SIGUSR1);
}

/* A handler ends it, still. */
static void do_epoll_handler(void)
{
	struct epoll_event event;
	sigset_t set;
	int fd = MUST(epoll_create1(0));

	sigemptyset(&set);
	CHECK_EQ(epoll_pwait(fd, &event, 1, -1, &set), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(got, SIGUSR1);
	MUST(sigprocmask(SIG_SETMASK, NULL, &set));
	CHECK(sigismember(&set, SIGUSR1));
}

static void do_write(void)
{
	CHECK_EQ(write(pipes[4][1], "x", 1), 1);
}

static void do_semop(void)
{
	struct sembuf op = { .sem_op = -1 };

	CHECK_EQ(semop(semaphores, &op, 1), 0);
}

static void (*const calls[])(void) = { do_read,	       do_futex,	 do_waitpid, do_sigsuspend, do_pause,
				       do_select,      do_ppoll,	 do_recv,    do_open,	    do_epoll,
				       do_sigwaitinfo, do_epoll_handler, do_write,   do_semop };
#define KIDS (int)(sizeof(calls) / sizeof(calls[0]))

/* Each is in its call, or back there: what wakes it before is lost. */
static void wait_for_calls(const pid_t *kids)
{
	for (int i = 0; i < KIDS; i++)
		if (calls[i] != do_waitpid)
			test_wait_state(kids[i], "S");
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	struct sembuf up = { .sem_op = 1 };
	pid_t kids[KIDS];
	sigset_t usr1;
	int i;

	test_init(argc, argv);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &usr1, NULL));
	signal(SIGUSR1, on_usr1);
	word = MUST((int *)mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	for (i = 0; i < 5; i++)
		MUST(pipe(pipes[i]));
	CHECK_EQ(write(pipes[4][1], full, sizeof(full)), sizeof(full));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(mkfifo("the-fifo", 0644));
	semaphores = MUST(semget(IPC_PRIVATE, 1, 0600));
	test_sync_init(&sync);
	for (i = 0; i < KIDS; i++) {
		kids[i] = MUST(fork());
		if (kids[i] == 0) {
			test_sync_done(&sync);
			calls[i]();
			_exit(0);
		}
	}
	test_sync_wait(&sync, KIDS);
	wait_for_calls(kids);

	test_ready();
	test_wait();

	wait_for_calls(kids);
	for (i = 0; i < KIDS; i++)
		if (i != 2 && waitpid(kids[i], NULL, WNOHANG) != 0)
			fail("call %d ended early", i);
	if (test_sabotage())
		MUST(kill(kids[7], SIGKILL));
	for (i = 0; i < 4; i++)
		CHECK_EQ(write(pipes[i][1], "x", 1), 1);
	CHECK_EQ(read(pipes[4][0], full, sizeof(full)), sizeof(full));
	CHECK_EQ(semop(semaphores, &up, 1), 0);
	MUST(kill(kids[10], SIGUSR1));
	MUST(kill(kids[11], SIGUSR1));
	CHECK_EQ(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	MUST(kill(kids[3], SIGUSR1));
	MUST(kill(kids[4], SIGUSR1));
	CHECK_EQ(send(pair[1], "x", 1, 0), 1);
	MUST(open("the-fifo", O_WRONLY));
	i = KIDS;
	/* First of all what outlives a test that fails. */
	test_reap(kids[--i]);
	MUST(semctl(semaphores, 0, IPC_RMID));
	while (i--)
		test_reap(kids[i]);
	pass();
}
