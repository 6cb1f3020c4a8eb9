/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/stat and /proc/PID/task/TID/stat: proc(5), proc_pid_stat(5). */
#ifndef CRIU_PROC_STAT_H
#define CRIU_PROC_STAT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel's TASK_COMM_LEN is 16 with the final NUL; kernel threads show up to 63 characters. */
#define PROC_COMM_MAX 64

struct proc_stat {
	pid_t pid;
	char comm[PROC_COMM_MAX]; /* may hold any character but NUL */
	char state;		  /* R S D T t Z X I ... */
	pid_t ppid, pgrp, session;
	int tty_nr, tpgid;
	uint32_t flags; /* PF_* */
	uint64_t minflt, cminflt, majflt, cmajflt;
	uint64_t utime, stime;	/* clock ticks */
	int64_t cutime, cstime; /* clock ticks */
	int64_t priority, nice, num_threads;
	uint64_t starttime; /* clock ticks since boot */
	uint64_t vsize, rss, rsslim;
	/* Addresses are 0 where the reader may not know them (ptrace access) or the task has no memory any more. */
	uint64_t start_code, end_code, start_stack;
	int exit_signal;
	int processor;
	uint32_t rt_priority, policy;
	uint64_t delayacct_blkio_ticks;
	uint64_t guest_time;
	int64_t cguest_time;
	uint64_t start_data, end_data, start_brk;
	uint64_t arg_start, arg_end, env_start, env_end;
	int exit_code; /* as of waitpid(2)'s status word */
};

/*
 * PROCFD is a descriptor of /proc/PID or /proc/PID/task/TID (O_PATH is enough).
 * 0; -EBADMSG if the file isn't what a kernel writes; -ESRCH or -ENOENT if the task is gone; -errno.
 */
int proc_read_stat(int procfd, struct proc_stat *ret);
/* The same of a text of LEN bytes. */
int proc_parse_stat(const char *text, size_t len, struct proc_stat *ret);

#endif
