/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bit of everything in one tree: what failures, kills and damaged images are tried on.
 *
 * Three tasks and a zombie, a thread, shared and private memory, file mappings, a deleted file, pipes, eventfd, epoll,
 * timerfd, signalfd, a socket pair, a pseudo terminal with a session on it, a sealed memfd, a System V segment.
 */
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "zdtm.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define SIZE (30 * TEST_PAGE)

static char *anon, *shared, *file_map, *private_map, *memory, *memory_copy, *segment;
static int ghost, pipes[2], event, ep, sockets[2], master, slave, fifo, sig_fd, timer_fd, memfd;
static atomic_int thread_ready;
static __thread int thread_value;

static void set_memory_up(void)
{
	int fd = MUST(open("mapped", O_CREAT | O_RDWR, 0644));

	anon = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	shared = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	MUST(ftruncate(fd, SIZE));
	file_map = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	private_map = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	close(fd);
	test_fill(anon, SIZE, 1);
	test_fill(shared, SIZE, 2);
	test_fill(file_map, SIZE, 3);
	test_fill(private_map, SIZE / 2, 4);
}

static void set_objects_up(void)
{
	int id = MUST(shmget(IPC_PRIVATE, SIZE, 0600));

	segment = MUST((char *)shmat(id, NULL, 0));
	MUST(shmctl(id, IPC_RMID, NULL));
	test_fill(segment, SIZE, 7);
	memfd = MUST(memfd_create("rich", MFD_ALLOW_SEALING));
	MUST(ftruncate(memfd, SIZE));
	memory = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0));
	memory_copy = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, memfd, 0));
	test_fill(memory, SIZE, 5);
	test_fill(memory_copy, SIZE / 3, 6);
	MUST(fcntl(memfd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_FUTURE_WRITE));
}

static void set_descriptors_up(void)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 99 };
	struct itimerspec far = { .it_value = { 9000, 0 } };
	struct itimerval timer = { .it_value = { 9000, 0 } };
	sigset_t set;

	ghost = MUST(open("ghost", O_CREAT | O_RDWR, 0600));
	CHECK(write(ghost, "ghostly", 7) == 7);
	MUST(unlink("ghost"));
	MUST(pipe(pipes));
	CHECK(write(pipes[1], "in the pipe", 11) == 11);
	MUST(mkfifo("fifo", 0600));
	fifo = MUST(open("fifo", O_RDWR));
	CHECK(write(fifo, "in the fifo", 11) == 11);
	event = MUST(eventfd(7, EFD_NONBLOCK));
	ep = MUST(epoll_create1(0));
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, event, &ev));
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets));
	CHECK(send(sockets[0], "in the socket", 13, 0) == 13);
	MUST(openpty(&master, &slave, NULL, NULL, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sig_fd = MUST(signalfd(-1, &set, 0));
	timer_fd = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	MUST(timerfd_settime(timer_fd, 0, &far, NULL));
	MUST(setitimer(ITIMER_REAL, &timer, NULL));
}

static void check_all(bool parent)
{
	struct epoll_event ev;
	char text[32];

	test_verify(anon, SIZE, 1);
	test_verify(file_map, SIZE, 3);
	test_verify(private_map, SIZE / 2, 4);
	test_verify(shared, SIZE - 1, 2);
	test_verify(memory, SIZE, 5);
	test_verify(segment, SIZE, 7);
	test_verify(memory_copy, SIZE / 3, 6);
	CHECK_EQ(fcntl(memfd, F_GET_SEALS), F_SEAL_GROW | F_SEAL_FUTURE_WRITE);
	CHECK_EQ(pread(ghost, text, 32, 0), 7);
	CHECK_MEM(text, "ghostly", 7);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK_EQ(ev.data.u64, 99);
	if (!parent)
		return;
	CHECK_EQ(read(pipes[0], text, 32), 11);
	CHECK_EQ(read(fifo, text, 32), 11);
	CHECK_EQ(recv(sockets[1], text, 32, 0), 13);
	CHECK_EQ(write(slave, "x", 1), 1);
	CHECK_EQ(read(master, text, 32), 1);
}

static void *thread(void *arg)
{
	thread_value = 4711;
	atomic_store(&thread_ready, 1);
	test_wait_polling();
	CHECK_EQ(thread_value, 4711);
	return NULL;
}

int main(int argc, char **argv)
{
	pid_t kid, session, dead;
	struct test_sync sync;
	siginfo_t info;
	pthread_t t;

	test_init(argc, argv);
	set_memory_up();
	set_objects_up();
	set_descriptors_up();
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		check_all(false);
		_exit(1);
	}
	session = MUST(fork());
	if (session == 0) {
		MUST(setsid());
		MUST(ioctl(slave, TIOCSCTTY, 0));
		test_sync_done(&sync);
		test_wait_polling();
		check_all(false);
		_exit(2);
	}
	test_sync_wait(&sync, 2);
	dead = MUST(fork());
	if (dead == 0)
		_exit(3);
	MUST(waitid(P_PID, dead, &info, WEXITED | WNOWAIT));
	CHECK_EQ(pthread_create(&t, NULL, thread, NULL), 0);
	while (!atomic_load(&thread_ready))
		test_msleep(1);

	test_ready();
	test_wait();

	CHECK_EQ(pthread_join(t, NULL), 0);
	if (test_sabotage())
		anon[7]++;
	test_reap_status(kid, 1 << 8);
	test_reap_status(session, 2 << 8);
	test_reap_status(dead, 3 << 8);
	check_all(true);
	pass();
}
