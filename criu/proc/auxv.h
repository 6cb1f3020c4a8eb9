/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/auxv: the vector the kernel gave the program at execve(2): proc_pid_auxv(5), getauxval(3). */
#ifndef CRIU_PROC_AUXV_H
#define CRIU_PROC_AUXV_H

#include <stddef.h>
#include <stdint.h>

/* More words than any kernel keeps (AT_VECTOR_SIZE). */
#define PROC_AUXV_MAX 128

struct proc_auxv {
	uint64_t v[PROC_AUXV_MAX]; /* pairs of AT_* and value; the last pair begins with AT_NULL */
	size_t nr;		   /* words, all that the kernel keeps: words after AT_NULL included */
};

/* PROCFD is a descriptor of /proc/PID. 0, -EBADMSG if it isn't whole pairs with AT_NULL at the end, -errno. */
int proc_read_auxv(int procfd, struct proc_auxv *ret);
/* 0, or -ENOENT if there is no entry of TYPE (AT_*). */
int proc_auxv_get(const struct proc_auxv *auxv, uint64_t type, uint64_t *ret);

#endif
