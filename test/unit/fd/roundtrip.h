/* SPDX-License-Identifier: GPL-2.0 */
/* What a round trip of descriptors needs: a case makes them in tasks and checks them where they were restored. */
#ifndef TEST_FD_ROUNDTRIP_H
#define TEST_FD_ROUNDTRIP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/opts.h"

#define MAX_TASKS 3

struct fd_case {
	const char *name;
	int nr_tasks;		/* 0 counts as 1 */
	bool shell;		/* task 0 leads a session, the others groups in it */
	bool sessions;		/* every task leads a session, as it did */
	void (*make)(int who);	/* in task WHO (from 0), whose parent made its own before: it has those, too */
	void (*check)(int who); /* in the restored task; the last task is first */
	void (*between)(struct cr_opts *opts); /* in the test, when the first tasks are gone */
	void (*setup)(struct cr_opts *opts);
	const char *refusal; /* what the error says, if the dump is to fail */
	const char *failure; /* the same of the restore */
};

/* For make and check: ends the process after noting the place. */
#define must(cond) ((cond) ? (void)0 : must_failed(__FILE__, __LINE__, #cond))
void must_failed(const char *file, int line, const char *what) __attribute__((noreturn));

/* A path in the scratch directory of the test; several are kept at a time. */
const char *scratch(const char *name);
/* Both as in /proc/self/fd and fdinfo. */
const char *link_of(int fd);
long fdinfo_number(int fd, const char *key, int base);
bool same_open_file(pid_t pid1, int fd1, pid_t pid2, int fd2);

/* Memory of all tasks of a case, for pids and the like. */
struct shared_notes {
	int ready, placed;
	pid_t pids[MAX_TASKS];
	long number[8];
	char failed[512];
};
extern struct shared_notes *notes;

#endif
