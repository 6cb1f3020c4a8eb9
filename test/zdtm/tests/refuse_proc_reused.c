/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file of /proc about a process that has ended is refused when another task of the tree has its pid.
 *
 * expect: refused descriptor 3: a /proc file of a process that has ended, and whose pid
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "zdtm.h"

static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = pid ? (uintptr_t)&pid : 0,
		.set_tid_size = pid ? 1 : 0,
	};

	return MUST((pid_t)syscall(SYS_clone3, &args, sizeof(args)));
}

int main(int argc, char **argv)
{
	char path[64], byte;
	pid_t pid;
	int fd;

	test_init(argc, argv);
	pid = fork_as(0);
	if (!pid) {
		pause();
		_exit(1);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = MUST(open(path, O_RDONLY));
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));
	if (!fork_as(pid)) {
		test_wait_polling();
		_exit(0);
	}

	test_ready();
	test_wait();

	CHECK(pread(fd, &byte, 1, 0) < 0 && errno == ESRCH);
	test_reap(pid);
	pass();
}
