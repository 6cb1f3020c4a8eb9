/* SPDX-License-Identifier: GPL-2.0 */
/* Seizing a task and waiting until it has stopped. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arch-ops.h"
#include "internal.h"

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

#define STATE_CHECK_NS (20 * 1000 * 1000L)

int compel_task_state(pid_t tid)
{
	char path[64], buf[512];
	const char *end;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	got = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (got < 0)
		return -ESRCH;
	buf[got] = '\0';
	end = strrchr(buf, ')');
	return end && end[1] == ' ' ? end[2] : -ESRCH;
}

int compel_status_signals(pid_t tid, const char *name, uint64_t *ret)
{
	char path[64], *line = NULL;
	size_t size = 0, len = strlen(name);
	int err = -ESRCH;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (err && getline(&line, &size, file) > 0) {
		if (strncmp(line, name, len))
			continue;
		*ret = strtoull(line + len, NULL, 16);
		err = 0;
	}
	free(line);
	fclose(file);
	return err;
}

bool compel_is_dead(pid_t tid)
{
	int state = compel_task_state(tid);

	return state < 0 || state == 'Z' || state == 'X';
}

static int ptrace_options(unsigned int flags, unsigned long *ret)
{
	if (flags & ~(COMPEL_SEIZE_EXITKILL | COMPEL_SEIZE_SUSPEND_SECCOMP))
		return -EINVAL;
	*ret = PTRACE_O_TRACESYSGOOD;
	if (flags & COMPEL_SEIZE_EXITKILL)
		*ret |= PTRACE_O_EXITKILL;
	if (flags & COMPEL_SEIZE_SUSPEND_SECCOMP)
		*ret |= PTRACE_O_SUSPEND_SECCOMP;
	return 0;
}

int compel_set_flags(pid_t tid, unsigned int flags)
{
	unsigned long options;
	int err = ptrace_options(flags, &options);

	if (err)
		return err;
	return ptrace(PTRACE_SETOPTIONS, tid, 0, options) < 0 ? -errno : 0;
}

int compel_seize(pid_t tid, unsigned int flags)
{
	unsigned long options;
	int err = ptrace_options(flags, &options);

	if (err)
		return err;
	if (!ptrace(PTRACE_SEIZE, tid, 0, options))
		return 0;
	/* The kernel says EPERM of the dead too. */
	if (errno == EPERM && compel_is_dead(tid))
		return -ESRCH;
	return -errno;
}

int compel_interrupt(pid_t tid)
{
	return ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0 ? -errno : 0;
}

int compel_wait_one(pid_t tid, int options, int *ret_status)
{
	pid_t got;

	do
		got = waitpid(tid, ret_status, __WALL | options);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got == tid;
}

/*
 * Wait, but not for ever: no report comes for a thread group leader that exits before its threads. Nearly all tasks
 * stop within microseconds.
 */
static int wait_alive(pid_t tid, int *ret_status)
{
	long slept = 0;

	for (long nap = 20 * 1000;; nap = nap < 1000 * 1000 ? nap * 2 : nap) {
		struct timespec ts = { .tv_nsec = nap };
		int got = compel_wait_one(tid, WNOHANG, ret_status);

		if (got)
			return got < 0 ? got : 0;
		if (slept > STATE_CHECK_NS) {
			slept = 0;
			if (compel_is_dead(tid)) {
				got = compel_wait_one(tid, WNOHANG, ret_status);
				return got > 0 ? 0 : -ESRCH;
			}
		}
		nanosleep(&ts, NULL);
		slept += nap;
	}
}

/*
 * The task is about to take a signal. Resumed with all signals blocked, the kernel puts it back into the queue with
 * its siginfo, and the interrupt that we asked for stops it at once, before it returns to user mode.
 */
static int requeue_signal(pid_t tid, int sig, uint64_t *mask, bool *masked, struct compel_error *error)
{
	int err;

	if (!*masked) {
		err = compel_get_sigmask(tid, mask);
		if (!err)
			err = compel_set_sigmask(tid, ARCH_MASK_ALL);
		if (err)
			return compel_fail(error, err, "Can't change the signal mask of %d: %s", tid, strerror(-err));
		*masked = true;
	}
	err = compel_interrupt(tid);
	if (!err && ptrace(PTRACE_CONT, tid, 0, sig) < 0)
		err = -errno;
	if (err)
		return compel_fail(error, err, "Can't put signal %d back for %d: %s", sig, tid, strerror(-err));
	return 0;
}

static int stop_died(pid_t tid, int status, struct compel_stop *stop)
{
	stop->exit_status = status;
	if (compel_task_state(tid) == 'Z')
		stop->kind = COMPEL_STOP_ZOMBIE;
	return compel_fail(&stop->error, -ESRCH, "Task %d has exited", tid);
}

int compel_wait_stop(pid_t tid, struct compel_stop *ret_stop)
{
	struct compel_stop *stop = ret_stop;
	bool masked = false;
	uint64_t mask = 0;
	int status = 0, err;

	memset(stop, 0, sizeof(*stop));
	for (;;) {
		err = wait_alive(tid, &status);
		if (err == -ESRCH)
			return stop_died(tid, 0, stop);
		if (err)
			return compel_fail(&stop->error, err, "Can't wait for %d: %s", tid, strerror(-err));
		if (!WIFSTOPPED(status))
			return stop_died(tid, status, stop);
		if (status >> 16 == PTRACE_EVENT_STOP)
			break;
		if (status >> 16 || WSTOPSIG(status) == (SIGTRAP | 0x80))
			return compel_fail(&stop->error, -EPROTO, "Task %d stopped unexpectedly, status 0x%x", tid,
					   status);
		err = requeue_signal(tid, WSTOPSIG(status), &mask, &masked, &stop->error);
		if (err)
			return err;
	}
	if (masked) {
		err = compel_set_sigmask(tid, mask);
		if (err)
			return compel_fail(&stop->error, err, "Can't restore the signal mask of %d: %s", tid,
					   strerror(-err));
	}
	stop->kind = WSTOPSIG(status) == SIGTRAP ? COMPEL_STOP_TRAP : COMPEL_STOP_GROUP;
	if (stop->kind == COMPEL_STOP_GROUP)
		stop->sig = WSTOPSIG(status);
	return 0;
}
