/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open files of /proc about a process that has ended: they still read as errors, whoever has its pid next.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char path[64], text[64];
	int status, maps, dir, comm;
	pid_t pid;

	test_init(argc, argv);
	pid = MUST(fork());
	if (!pid) {
		pause();
		_exit(1);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = MUST(open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = MUST(open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, pid);
	comm = MUST(open(path, O_RDWR));
	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = MUST(open(path, O_RDONLY | O_DIRECTORY));
	MUST(dup2(dir, 60));
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));

	test_ready();
	test_wait();

	if (test_sabotage())
		status = MUST(open("/proc/self/status", O_RDONLY));
	CHECK(pread(status, text, sizeof(text), 0) < 0 && errno == ESRCH);
	CHECK(pread(maps, text, sizeof(text), 0) < 0 && errno == ESRCH);
	CHECK(write(comm, "x", 1) < 0 && errno == ESRCH);
	CHECK(openat(dir, "stat", O_RDONLY) < 0 && (errno == ENOENT || errno == ESRCH));
	CHECK(openat(60, "stat", O_RDONLY) < 0);
	CHECK(kill(pid, 0) < 0 && errno == ESRCH);
	pass();
}
