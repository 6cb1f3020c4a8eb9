/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The /proc/PID files that hold one value. PROCFD is a descriptor of /proc/PID or, where the file is there
 * too, of /proc/PID/task/TID. Each returns 0, -EBADMSG if the file isn't what a kernel writes, or -errno
 * (-ENOENT: the kernel was built without it).
 */
#ifndef CRIU_PROC_VALUES_H
#define CRIU_PROC_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "proc/stat.h"

/* proc_pid_comm(5): without the newline at the end. */
int proc_read_comm(int procfd, char ret[PROC_COMM_MAX]);
/* proc_pid_loginuid(5): UINT32_MAX if none was set. */
int proc_read_loginuid(int procfd, uint32_t *ret);
/* proc_pid_oom_score_adj(5): -1000 to 1000. */
int proc_read_oom_score_adj(int procfd, int *ret);
/* proc_pid_personality(5): as personality(2). */
int proc_read_personality(int procfd, uint32_t *ret);
/* proc_pid_timerslack_ns(5), in nanoseconds. */
int proc_read_timerslack(int procfd, uint64_t *ret);
/* proc_pid_coredump_filter(5). */
int proc_read_coredump_filter(int procfd, uint32_t *ret);
/* proc_pid_cmdline(5), proc_pid_environ(5): *LEN bytes, a NUL behind them. Free with free(). */
int proc_read_cmdline(int procfd, char **ret, size_t *len);
int proc_read_environ(int procfd, char **ret, size_t *len);

#endif
