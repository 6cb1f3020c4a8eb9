/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/status and /proc/PID/task/TID/status: proc_pid_status(5). */
#ifndef CRIU_PROC_STATUS_H
#define CRIU_PROC_STATUS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "proc/stat.h"

/* Which lines a kernel leaves out, because of its age or configuration or because the task is a zombie. */
#define PROC_STATUS_HAS_UMASK	(1u << 0)
#define PROC_STATUS_HAS_SECCOMP (1u << 1)
#define PROC_STATUS_HAS_NNP	(1u << 2)
#define PROC_STATUS_HAS_MM	(1u << 3) /* it has memory: neither kernel thread nor zombie */
#define PROC_STATUS_HAS_CAPAMB	(1u << 4)
#define PROC_STATUS_HAS_NSPID	(1u << 5)
#define PROC_STATUS_HAS_THP	(1u << 6)
#define PROC_STATUS_HAS_SHSTK	(1u << 7) /* x86_Thread_features names shstk */

/* Nesting of pid namespaces that a kernel allows is 32, and the first one. */
#define PROC_NSPID_MAX 33

struct proc_status {
	uint32_t has;		      /* PROC_STATUS_HAS_* */
	char name[4 * PROC_COMM_MAX]; /* unescaped */
	char state;		      /* the letter */
	uint32_t umask;		      /* with PROC_STATUS_HAS_UMASK */
	pid_t tgid, pid, ppid, tracer_pid;
	uint32_t uid[4], gid[4]; /* real, effective, saved, file system */
	uint32_t *groups;	 /* supplementary, as the kernel sorts them; owned */
	size_t nr_groups;
	pid_t nspid[PROC_NSPID_MAX]; /* outermost first */
	size_t nr_nspid;
	uint32_t threads;
	uint64_t sigq_used, sigq_max;
	uint64_t sig_pnd, shd_pnd, sig_blk, sig_ign, sig_cgt; /* bit N-1: signal N */
	uint64_t cap_inh, cap_prm, cap_eff, cap_bnd, cap_amb;
	uint32_t no_new_privs;
	uint32_t seccomp; /* SECCOMP_MODE_* */
	uint32_t seccomp_filters;
	uint32_t thp_enabled; /* 0: prctl(PR_SET_THP_DISABLE), too */
};

/*
 * PROCFD as for proc_read_stat(). 0; -EBADMSG if the file isn't what a kernel writes; -errno.
 * *RET goes with proc_status_free(); after an error there is nothing to free.
 */
int proc_read_status(int procfd, struct proc_status *ret);
/* The same of a text of LEN bytes. */
int proc_parse_status(const char *text, size_t len, struct proc_status *ret);
void proc_status_free(struct proc_status *st);
#define _cleanup_proc_status_ __cleanup(proc_status_free)

#endif
