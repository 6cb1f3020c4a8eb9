/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/limits: proc_pid_limits(5). Readable where prlimit(2) would need CAP_SYS_RESOURCE. */
#ifndef CRIU_PROC_LIMITS_H
#define CRIU_PROC_LIMITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#define PROC_NR_LIMITS 16

struct proc_limits {
	struct {
		uint64_t cur, max; /* UINT64_MAX: unlimited, as RLIM_INFINITY */
	} v[PROC_NR_LIMITS];	   /* by RLIMIT_* */
};

/* PROCFD is a descriptor of /proc/PID. 0, -EBADMSG if a limit is missing or malformed, -errno. */
int proc_read_limits(int procfd, struct proc_limits *ret);
/* The same of a text of LEN bytes. */
int proc_parse_limits(const char *text, size_t len, struct proc_limits *ret);

#endif
