/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One row per kind of open file: what the dump and the restore of descriptors ask of it. The rows stand in
 * fd/registry.c; Documentation/howto/add-a-descriptor.md is the recipe for another one.
 */
#ifndef CRIU_FD_OPS_H
#define CRIU_FD_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fd/fd.h"
#include "proc/fdinfo.h"

#include "fdinfo.pb-c.h"
#include "sk-extra.pb-c.h"

/* An open file that is being dumped. */
struct fd_object {
	const struct fd_task *task;
	int nr; /* its number in the task; -1: found by a path */
	int fd; /* our own descriptor of the same open file */
	struct stat st;
	const char *link;		/* what /proc/PID/fd/NR points to */
	const struct proc_fdinfo *info; /* NULL if found by a path */
	uint32_t flags;			/* O_*, without O_CLOEXEC */
	uint64_t pos;			/* bytes */
	uint32_t id;			/* its file id */
};

/* An open file that is being restored. */
struct fd_file {
	FileEntry *entry;
	SkExtraEntry *sk_extra; /* of a socket; owned, may be NULL */
	const struct fd_ops *ops;
	uint32_t id;
	struct fd_file *path_file;    /* the regular file whose path leads to this one; NULL: none */
	const struct fd_table *table; /* the table that finishes it; NULL: none has it */
	bool path_only;		      /* no more than the path_file of others */
	bool deleted;		      /* a regular file that a ghost file stands for */
	bool finished;
	bool late; /* opened when all tasks are there: fd_restore_find_late() */
	size_t late_slot;
	char *path; /* where it is opened, if not at its own name; owned */
	int fd;	    /* at a number >= first_fd, -1 until it is open */
};

struct fd_table_row {
	int nr; /* the descriptor */
	bool cloexec;
	struct fd_file *file;
	int late_fd; /* of a late file: what leads to it in this table until it is at its number */
};

struct fd_table {
	uint32_t files_id;
	struct fd_table_row *v; /* ascending */
	size_t nr;
};

#define FD_KEY_MAX 4200

struct fd_ops {
	const char *name; /* for messages: "a pipe" */
	FdTypes type;
	size_t member; /* offsetof(FileEntry, its message) */
	int old_kind;  /* the IMG_* of the first generation's own image; -1: it had none */
	bool late;     /* dumped when all other descriptors of the table have their ids */

	bool (*match)(const struct fd_object *obj);
	/* For each task, before its table's descriptors. May be NULL. */
	int (*dump_task)(struct fd_dump *dump, const struct fd_task *task);
	/* Writes the entry by fd_dump_write() and what belongs to it. */
	int (*dump)(struct fd_dump *dump, const struct fd_object *obj);
	/* After the last table. OK false: only free the state. */
	int (*dump_end)(struct fd_dump *dump, bool ok);

	/* Reads the companion images and holds the entries of files.img against them; may be NULL. */
	int (*read)(struct fd_restore *restore);
	/* One entry: are its values possible? */
	int (*check)(struct fd_restore *restore, struct fd_file *file);
	/* When every table is known: does the entry fit file->table? May be NULL. */
	int (*check_table)(struct fd_restore *restore, struct fd_file *file);
	/* Writes what --inherit-fd calls the file to KEY, FD_KEY_MAX bytes. May be NULL: it can't be inherited. */
	void (*key)(const struct fd_restore *restore, const struct fd_file *file, char *key);
	/* In the root task. *RET is a new descriptor, any number. */
	int (*open)(struct fd_restore *restore, struct fd_file *file, int *ret);
	/* In a task that has just become the leader of session SID. May be NULL. */
	int (*session)(struct fd_restore *restore, pid_t sid);
	/* In the task, before descriptors go to their numbers: numbers below first_fd are free for use. May be NULL. */
	int (*place)(struct fd_restore *restore, struct fd_file *file);
	/* In the task, afterwards; NR is one of its numbers. May be NULL. */
	int (*finish)(struct fd_restore *restore, struct fd_file *file, int nr, pid_t pid, pid_t sid);
	/* In every task, when its files are finished; TABLE may be NULL. May be NULL. */
	int (*task)(struct fd_restore *restore, const struct fd_table *table, pid_t pid, pid_t sid);
	/* After every file has been opened, or one couldn't be: lets go of what only opening needed. May be NULL. */
	void (*open_end)(struct fd_restore *restore);
	/* In the engine, when a restore failed and no task of it is left: removes what files it made. May be NULL. */
	void (*undo)(struct fd_restore *restore);
	/* Frees what the state holds; the state itself goes with free(). May be NULL. */
	void (*free)(struct fd_restore *restore);
};

/* The rows, in the order in which they are asked whether an open file is theirs. */
extern const struct fd_ops *const fd_registry[];
extern const size_t fd_registry_nr;
/* Room for one state pointer per row. */
#define FD_REGISTRY_MAX 24

const struct fd_ops *fd_ops_by_type(FdTypes type);
size_t fd_ops_index(const struct fd_ops *ops);

#endif
