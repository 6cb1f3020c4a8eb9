/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/fdinfo/FD: proc_pid_fdinfo(5). */
#ifndef CRIU_PROC_FDINFO_H
#define CRIU_PROC_FDINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct proc_fdinfo {
	uint64_t pos;	/* bytes */
	uint32_t flags; /* O_*, O_CLOEXEC among them */
	int mnt_id;
	uint64_t ino; /* 0 before Linux 5.14 */
	bool has_ino;
	char **lines; /* the lines after those, as the kind of file prints them, without newlines; owned */
	size_t nr_lines;
	char *text; /* what the lines point into */
};

/*
 * PROCFD is a descriptor of /proc/PID (or of a captured tree). 0; -EBADMSG if the file isn't what a kernel
 * writes; -ENOENT if there is no such descriptor; -errno. *RET goes with proc_fdinfo_free(); after an error there
 * is nothing to free.
 */
int proc_read_fdinfo(int procfd, int fd, struct proc_fdinfo *ret);
/* The same of TEXT, which is LEN bytes, NUL-ended; taken over, freed after an error, too. */
int proc_parse_fdinfo(char *text, size_t len, struct proc_fdinfo *ret);
void proc_fdinfo_free(struct proc_fdinfo *info);
#define _cleanup_proc_fdinfo_ __cleanup(proc_fdinfo_free)

/*
 * The value of the Nth (from 0) line "KEY:<blanks>VALUE" (or "KEY VALUE"), NULL if there are fewer. KEY is
 * given without the colon. The string lives as long as INFO.
 */
const char *proc_fdinfo_value(const struct proc_fdinfo *info, const char *key, size_t n);
/* Its value as one number in BASE (10, 16, 8): 0, -ENOENT if there is no such line, -EBADMSG if it is no number. */
int proc_fdinfo_u64(const struct proc_fdinfo *info, const char *key, int base, uint64_t *ret);

#endif
