/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Signals that wait for a stopped process, or for one of its threads, are there when it goes on.
 */
#include <dirent.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "zdtm.h"

static volatile sig_atomic_t got_process, got_leader, got_other;
static volatile pid_t other;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		got_process++;
	else if (gettid() == other)
		got_other++;
	else
		got_leader++;
}

static void *run(void *arg)
{
	other = gettid();
	test_sync_done(arg);
	while (!got_other)
		usleep(1000);
	return NULL;
}

static void child(struct test_sync *sync)
{
	pthread_t thread;

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	CHECK_EQ(pthread_create(&thread, NULL, run, sync), 0);
	while (!got_process || !got_leader)
		usleep(1000);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(got_process, 1);
	CHECK_EQ(got_leader, 1);
	CHECK_EQ(got_other, 1);
	_exit(23);
}

static pid_t second_thread(pid_t pid)
{
	char path[64];
	pid_t tid = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	CHECK(dir);
	for (struct dirent *e; (e = readdir(dir));)
		if (atoi(e->d_name) > 0 && atoi(e->d_name) != pid)
			tid = atoi(e->d_name);
	closedir(dir);
	CHECK(tid);
	return tid;
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	siginfo_t info;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0)
		child(&sync);
	test_sync_wait(&sync, 1);
	MUST(kill(kid, SIGSTOP));
	MUST(waitid(P_PID, kid, &info, WSTOPPED));
	MUST(kill(kid, SIGUSR1));
	MUST(syscall(SYS_tgkill, kid, kid, SIGUSR2));
	MUST(syscall(SYS_tgkill, kid, second_thread(kid), SIGUSR2));

	test_ready();
	test_wait();

	if (test_sabotage())
		kill(kid, SIGKILL);
	MUST(kill(kid, SIGCONT));
	test_reap_status(kid, 23 << 8);
	pass();
}
