/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/timers: the POSIX timers of a process: proc_pid_timers(5), timer_create(2). */
#ifndef CRIU_PROC_TIMERS_H
#define CRIU_PROC_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct proc_timer {
	int id;
	int signo;
	uint64_t sigval;
	int notify;	/* SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD */
	bool to_thread; /* SIGEV_THREAD_ID: TARGET is a thread */
	pid_t target;
	int clockid;
};

struct proc_timer_list {
	struct proc_timer *v;
	size_t nr;
};

/* PROCFD is a descriptor of /proc/PID. 0, -EBADMSG, -ENOENT without CONFIG_CHECKPOINT_RESTORE, -errno. */
int proc_read_timers(int procfd, struct proc_timer_list *ret);
/* The same of a text of LEN bytes. */
int proc_parse_timers(const char *text, size_t len, struct proc_timer_list *ret);
void proc_timer_list_free(struct proc_timer_list *list);
#define _cleanup_proc_timer_list_ __cleanup(proc_timer_list_free)

#endif
