/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/cgroup: cgroups(7). */
#ifndef CRIU_PROC_CGROUP_H
#define CRIU_PROC_CGROUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct proc_cgroup {
	uint32_t hierarchy;	 /* 0: version 2 */
	const char *controllers; /* "cpu,cpuacct", "name=systemd", "" for version 2 */
	const char *path;	 /* from the root of the reader's cgroup namespace; may begin with "/.." */
};

struct proc_cgroup_list {
	struct proc_cgroup *v;
	size_t nr;
	char *text; /* what the strings point into */
};

/*
 * PROCFD is a descriptor of /proc/PID or /proc/PID/task/TID. 0, -EBADMSG, -errno.
 * *RET goes with proc_cgroup_list_free(); after an error there is nothing to free.
 */
int proc_read_cgroup(int procfd, struct proc_cgroup_list *ret);
void proc_cgroup_list_free(struct proc_cgroup_list *list);
#define _cleanup_proc_cgroup_list_ __cleanup(proc_cgroup_list_free)

#endif
