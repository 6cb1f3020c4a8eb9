/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptors: the open files of tasks, at dump and at restore. What a kind of open file needs is a row
 * of fd/registry.c; this header is all that the engine uses.
 *
 * Terms: an open file is the kernel's open file description; several descriptors, of one or more tasks, may
 * share one. Its id in the images is a "file id". A "table" is what one fdinfo-ID.img describes.
 */
#ifndef CRIU_FD_FD_H
#define CRIU_FD_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/opts.h"

struct fd_dump;
struct fam_set; /* fam/set.h */
struct fd_restore;
struct fd_link;
struct task_tree;

/* A frozen task whose descriptors are read. All members are borrowed. */
struct fd_task {
	pid_t pid;	   /* in the dumping task's pid namespace */
	int pidfd;	   /* pidfd_open(2) of it */
	int procfd;	   /* /proc/PID, O_PATH | O_DIRECTORY */
	uint32_t files_id; /* names the image fdinfo-<files_id>.img */
	const char *comm;  /* for messages */
	/*
	 * F_GETFD of fcntl(2), asked inside the task: FD_CLOEXEC, 0 or -errno. May be NULL. Needed for terminals that
	 * were opened by TIOCGPTPEER with O_CLOEXEC: the kernel shows that flag for all their descriptors.
	 */
	int (*getfd)(void *arg, int nr);
	void *getfd_arg;
};

/*
 * Begins the dump of descriptors: files.img and its companions are made in IMAGES_DIRFD (borrowed until the end).
 * CTX and OPTS are borrowed as well. The caller ends it with fd_dump_end(). 0 or -errno.
 */
int fd_dump_begin(struct cr_ctx *ctx, const struct cr_opts *opts, int images_dirfd, struct fd_dump **ret);

/* The tasks that are dumped with it, borrowed until the end; without it no /proc files about a task are taken. */
void fd_dump_set_tree(struct fd_dump *dump, const struct task_tree *tree);

/* Of every task, also of one whose table is another's, before its descriptors: what it has to do with terminals. */
int fd_dump_task(struct fd_dump *dump, const struct fd_task *task);

/*
 * Dumps every descriptor of TASK's table and writes fdinfo-<files_id>.img. The task must be stopped; it isn't
 * changed, not even the data in its pipes and sockets. Tasks that share one table (CLONE_FILES) are dumped once.
 * 0, or -errno after naming what isn't supported. Descriptors are reached with pidfd_getfd(2), compared with kcmp(2).
 */
int fd_dump_table(struct fd_dump *dump, const struct fd_task *task);

/*
 * The file id of something a task refers to by other means than a descriptor: its executable, current directory,
 * root, a mapped file. PATH_FD (borrowed; O_PATH will do) is that file, OPEN_FLAGS what the image's flags shall be
 * (O_RDONLY, O_RDWR...; see open(2)). The same file with the same flags gives the same id.
 * Deleted files are stored as ghost files. 0 and *RET_ID, or -errno.
 */
int fd_dump_path(struct fd_dump *dump, const struct fd_task *task, int path_fd, int open_flags, uint32_t *ret_id);

/*
 * The names that the dump has given to files (--link-remap), so that they outlive DUMP; else fd_dump_end() ends them.
 * The caller ends them with fd_links_end(): *LINKS becomes NULL, and without KEEP the names are removed.
 */
struct fd_link *fd_dump_take_links(struct fd_dump *dump);
void fd_links_end(struct cr_ctx *ctx, struct fd_link **links, bool keep);

/*
 * When everything else was dumped: writes memfd.img. STORE is called once per memfd with a readable descriptor,
 * borrowed, has its content stored and gives the id of that. 0 or -errno.
 */
int fd_dump_memfds(struct fd_dump *dump, int (*store)(void *arg, int fd, uint64_t *ret_shmid), void *arg);

/*
 * Writes what could be written only when every table was known, and frees DUMP (*DUMP becomes NULL, in every
 * case). With OK false the dump has failed and nothing more is written. 0 or -errno.
 */
int fd_dump_end(struct fd_dump **dump, bool ok);

/*
 * Reads and validates files.img and its companions. Nothing is opened, made or changed but the images are read.
 * CTX, OPTS, IMAGES_DIRFD are borrowed until fd_restore_free(). 0 or -errno.
 */
int fd_restore_read(struct cr_ctx *ctx, const struct cr_opts *opts, int images_dirfd, struct fam_set *fam,
		    struct fd_restore **ret);

/* Reads and validates fdinfo-<files_id>.img. Reading a table twice is no error. 0 or -errno. */
int fd_restore_read_table(struct fd_restore *restore, uint32_t files_id);

/*
 * When every table is read: the first number above all their descriptors (and above 2), or -errno if the tables
 * and the files don't fit together.
 */
int fd_restore_min_service_fd(struct fd_restore *restore);

/*
 * In the root task, before it forks: opens or makes every open file of the images, each at a number >= FIRST_FD,
 * close-on-exec. Children inherit them, so sharing is exact. 0, or -errno after files it made were removed again.
 */
int fd_restore_open_all(struct fd_restore *restore, int first_fd);

/*
 * Late files: those that can be opened only when all tasks are there, /proc files about tasks of TREE. Once the tables
 * are read: how many there are. The tasks then need memory for as many struct fd_late, zeroed and shared.
 */
struct fd_late {
	pid_t pid; /* a task that has it open, */
	int fd;	   /* and its number there */
};
size_t fd_restore_find_late(struct fd_restore *restore, const struct task_tree *tree);
/* In each task PID, when all are there: opens those that its table FILES_ID finishes. 0 or -errno. */
int fd_restore_open_late(struct fd_restore *restore, uint32_t files_id, pid_t pid, struct fd_late *slots);
/* When all tasks have done that: gets the others of the table. Nobody may close any before all are done. */
int fd_restore_fetch_late(struct fd_restore *restore, uint32_t files_id, const struct fd_late *slots);
/* In the engine, when all else of the tasks is as it was: the offsets of those that the table of task PID finishes. */
int fd_restore_seek_late(struct fd_restore *restore, uint32_t files_id, pid_t pid);

/* The open descriptor of a file id, borrowed: for mappings, the current directory, the root, the executable. */
int fd_restore_get(struct fd_restore *restore, uint32_t file_id, int *ret_fd);
/* Once the images are read: is there an entry of a file with a path of that id; or one of a memfd? */
bool fd_restore_has_path(const struct fd_restore *restore, uint32_t file_id);
bool fd_restore_has_memfd(const struct fd_restore *restore, uint32_t file_id);

/*
 * memfds. First, for each mapping of the file FILE_ID: WRITABLE, if it is shared and opened for writing. -ENOENT if
 * there is no such memfd. Then, in the engine, before it forks: makes them, with their content, at numbers >= FIRST_FD.
 * Children get the descriptor to be mapped, borrowed. When every task has its memory the engine sets the
 * remaining seals and closes its descriptors. 0 or -errno.
 */
int fd_restore_plan_memfd(struct fd_restore *restore, uint32_t file_id, bool writable);
int fd_restore_make_memfds(struct fd_restore *restore, int first_fd);
int fd_restore_get_memfd(struct fd_restore *restore, uint32_t file_id, bool writable, int *ret_fd);
int fd_restore_seal_memfds(struct fd_restore *restore);

/*
 * In a task that has just become the leader of the session SID by setsid(2), and before it forks: its controlling
 * terminal. Children inherit that, so those of the same session have to be forked afterwards. 0 or -errno.
 */
int fd_restore_session(struct fd_restore *restore, pid_t sid);

/*
 * In a task: puts the table's descriptors at their numbers, with their close-on-exec flags, and closes
 * everything else except the NR_KEEP descriptors KEEP (any order; none may be a number of the table).
 * What fd_restore_get() gives is open only where it is in KEEP; RESTORE isn't changed, since processes with other
 * tables may have it in the same memory. PID is the task's own, for messages. Tasks without a table pass FILES_ID 0
 * (then all but KEEP is closed).
 */
int fd_restore_install(struct fd_restore *restore, uint32_t files_id, pid_t pid, const int *keep, size_t nr_keep);

/*
 * In a task, after fd_restore_install(), when every task of the tree exists: what refers to descriptor numbers,
 * processes or sessions: epoll targets, timers, F_SETOWN. For a table that is shared call it once. PID and SID are the
 * task's own, as recorded in the images. 0 or -errno.
 */
int fd_restore_finish(struct fd_restore *restore, uint32_t files_id, pid_t pid, pid_t sid);
/* In every task, when its table is finished: foreground process groups. */
int fd_restore_task(struct fd_restore *restore, uint32_t files_id, pid_t pid, pid_t sid);

/* When nothing can fail any more: removes the names that the dump has given to files (--link-remap). */
void fd_restore_remove_links(struct fd_restore *restore);

/* The restore failed and its tasks are gone: what was made in the file system goes as well. */
void fd_restore_undo(struct fd_restore *restore);

/* Frees the memory; open descriptors stay open. *RESTORE becomes NULL. */
void fd_restore_free(struct fd_restore **restore);

#endif
