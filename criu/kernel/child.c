/* SPDX-License-Identifier: GPL-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "kernel/probes.h"

/* An errno fits into an exit status. */
static int child_result(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ENOSYS;
}

int probe_in_child(int (*fn)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(-fn());
	}
	return child_result(pid);
}

static int stop_and_try(pid_t pid, unsigned long options, int (*fn)(pid_t pid))
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, options | PTRACE_O_EXITKILL) < 0)
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		return -errno;
	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFSTOPPED(status))
		return -ECHILD;
	return fn ? fn(pid) : 0;
}

int probe_tracee(int (*prepare)(void), unsigned long options, int (*fn)(pid_t pid))
{
	_cleanup_close_ int ready = -1, told = -1;
	int pipe_fds[2], result;
	int8_t prepared;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	ready = pipe_fds[0];
	told = pipe_fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prepared = (int8_t)(prepare ? -prepare() : 0);
		if (write(told, &prepared, 1) == 1)
			for (;;)
				pause();
		_exit(0);
	}
	close_fdp(&told);
	if (read(ready, &prepared, 1) != 1)
		result = -ECHILD;
	else
		result = prepared ? -(uint8_t)prepared : stop_and_try(pid, options, fn);
	kill(pid, SIGKILL);
	child_result(pid);
	return result;
}

int probe_file_line(const char *path, const char *start)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	int err = read_file_at(AT_FDCWD, path, 1 << 16, &text, NULL);

	if (err)
		return err;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (str_starts(line, start))
			return 0;
	return -ENOENT;
}
