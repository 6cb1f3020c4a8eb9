/* SPDX-License-Identifier: GPL-2.0 */
/* The restore of descriptors, as the kinds of files see it. */
#ifndef CRIU_FD_RESTORE_H
#define CRIU_FD_RESTORE_H

#include "fd/map.h"
#include "fd/ops.h"
#include "image/image.h"

#include "fown.pb-c.h"

struct fam_set; /* fam/set.h */
struct ghost;

/* An --inherit-fd option. */
struct fd_inherited {
	int nr;
	const char *key; /* in opts->inherit_fd */
	bool used;
};

struct fd_restore {
	struct cr_ctx *ctx;
	const struct cr_opts *opts;
	int dirfd;
	struct fam_set *fam;   /* NULL: pages are in files */
	bool old_files;	       /* an image for each kind, of the first generation */
	struct fd_file *files; /* ascending by id */
	size_t nr_files;
	struct fd_table **tables;
	size_t nr_tables;
	int max_nr; /* the highest number of any table, 2 at least */
	int first_fd;
	struct ghost *ghosts;
	size_t nr_ghosts;
	struct pair_map ghost_ids;	/* to indexes of ghosts, until they are sorted */
	struct fd_inherited *inherited; /* parallel to opts->inherit_fd */
	void *state[FD_REGISTRY_MAX];	/* by row */
};

/* restore.c */

/* NULL if there is none. */
struct fd_file *fd_file_find(const struct fd_restore *restore, uint32_t id);
/* The message of the file's own kind. */
ProtobufCMessage *fd_file_message(const struct fd_file *file);
/* Its flags and owner, where its kind has them; else 0 and NULL. */
uint32_t fd_file_flags(const struct fd_file *file);
const FownEntry *fd_file_fown(const struct fd_file *file);
/* The state of a row, zeroed, when first asked for; see fd_ops.free. NULL: no memory. */
void *fd_restore_state(struct fd_restore *restore, const struct fd_ops *ops, size_t size);
const struct fd_table *fd_table_find(const struct fd_restore *restore, uint32_t files_id);
/* The row of the number NR, or NULL. */
const struct fd_table_row *fd_table_row_find(const struct fd_table *table, int nr);
/* Keeps the number NR, and those below, free for use in tasks. -EMFILE if it is too high for this system. */
int fd_restore_reserve(struct fd_restore *restore, uint32_t nr);
/*
 * Reads every entry of the image KIND (no ids) if there is one, and hands each with the open image (for its
 * payload) to EACH, who returns 0 or -errno and doesn't keep the message.
 */
int fd_read_image(struct fd_restore *restore, enum image_kind kind,
		  int (*each)(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg));
/* "files.img: file 12 ..." with -EBADMSG. */
#define fd_bad(restore, file, what)                                                                                    \
	cr_fail((restore)->ctx, -EBADMSG, "files.img: file %u (%s) has %s", (file)->id, (file)->ops->name, what)

/* open.c: opens FILE unless it is open, at a number >= first_fd. */
int fd_open_file(struct fd_restore *restore, struct fd_file *file);
/* FD, which is taken over in any case, is FILE: sets its flags and moves it there. */
int fd_adopt_file(struct fd_restore *restore, struct fd_file *file, int fd);

/* inherit.c */
int inherit_read(struct fd_restore *restore);
/* Does a descriptor of criu's own, *RET_NR, take FILE's place? */
bool inherit_has(const struct fd_restore *restore, const struct fd_file *file, int *ret_nr);
int inherit_open(struct fd_restore *restore, const struct fd_file *file, int nr, int *ret);
/* When all is open: warns of those that no file had use for. */
void inherit_end(struct fd_restore *restore);

/* fown.c */
int fown_check(struct fd_restore *restore, const struct fd_file *file, const FownEntry *fown);
int fown_restore(struct fd_restore *restore, const struct fd_file *file, int nr, const FownEntry *fown);

/* proc_restore.c: is FILE's path one of process PID? -EBADMSG. */
int proc_check_ended(struct fd_restore *restore, const struct fd_file *file, uint32_t pid);
/* Calls RUN while there is a process PID, which ends then; what RUN returned, or -errno. */
int proc_with_process(struct fd_restore *restore, pid_t pid, int (*run)(struct fd_restore *restore, void *arg),
		      void *arg);

/* ghost_restore.c: reads remap-fpath.img and the ghost files it names, but for their data. */
int ghosts_read(struct fd_restore *restore);
/* Makes each deleted file, opens all that refer to it, and deletes it again, also after an error. */
int ghosts_open(struct fd_restore *restore);
void ghosts_free(struct fd_restore *restore);

#endif
