/* SPDX-License-Identifier: GPL-2.0 */
/* The /proc/PID entries that are lists of numbers: descriptors, threads, children. */
#ifndef CRIU_PROC_LIST_H
#define CRIU_PROC_LIST_H

#include <stddef.h>

#include "base/cleanup.h"

struct proc_numbers {
	int *v; /* ascending */
	size_t nr;
};

/* PROCFD is a descriptor of /proc/PID (O_PATH is enough). *RET goes with proc_numbers_free(). 0, -EBADMSG, -errno. */
int proc_list_fds(int procfd, struct proc_numbers *ret);     /* proc_pid_fd(5) */
int proc_list_threads(int procfd, struct proc_numbers *ret); /* proc_pid_task(5); the leader among them */
/*
 * The children of one thread, in ascending order: proc_tid_children(5). TASKFD is a descriptor of
 * /proc/PID/task/TID. -ENOENT where the kernel lacks CONFIG_PROC_CHILDREN. The list is sure only while the
 * children are frozen.
 */
int proc_list_children(int taskfd, struct proc_numbers *ret);
/*
 * The children of a whole process: of every thread of PROCFD's /proc/PID/task or, where the kernel lacks
 * those files, all processes below ROOTFD (a descriptor of /proc, readable) whose parent is PID.
 */
int proc_list_process_children(int rootfd, int procfd, int pid, struct proc_numbers *ret);
void proc_numbers_free(struct proc_numbers *list);
#define _cleanup_proc_numbers_ __cleanup(proc_numbers_free)

/* A descriptor (O_PATH, close-on-exec) of /proc/PID, and of task/TID below one, or -errno (-ESRCH: no such task). */
int proc_open_pid(int pid);
int proc_open_tid(int procfd, int tid);

#endif
