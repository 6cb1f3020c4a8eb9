/* SPDX-License-Identifier: GPL-2.0 */
/* The dump of descriptors, as the kinds of files see it. */
#ifndef CRIU_FD_DUMP_H
#define CRIU_FD_DUMP_H

#include "fd/map.h"
#include "fd/ops.h"
#include "image/image.h"

#include "fown.pb-c.h"

/* What the kernel puts behind the name of a file that is deleted. */
#define FD_DELETED " (deleted)"

/* A descriptor of the table that is being dumped. */
struct fd_seen {
	int nr;
	uint32_t id;
	FdTypes type;
	bool cloexec;
	dev_t dev;
	ino_t ino;
	const struct fd_ops *late; /* its row, if it is new and its turn comes when the table is known */
};

struct fd_dump {
	const struct task_tree *tree; /* NULL: not known */
	struct cr_ctx *ctx;
	const struct cr_opts *opts;
	int dirfd;
	struct image *images[IMG_KINDS]; /* made when first written to */
	uint32_t last_id;
	void *identity;	      /* tsearch(3): the open files seen: identity.c */
	struct fd_seen *seen; /* of the present table, ascending */
	size_t nr_seen;
	void *paths;		/* tsearch(3): the files found by path: path.c */
	struct pair_map ghosts; /* (st_dev, st_ino) to ghost id: ghost_dump.c */
	uint32_t last_ghost;
	struct fd_link *links;	      /* made by link_dump() */
	void *state[FD_REGISTRY_MAX]; /* by row, for the kinds' own use */
};

/* dump.c */

/* A fresh file id. */
uint32_t fd_dump_new_id(struct fd_dump *dump);
/* The image KIND (one without ids in its name), made now if it isn't there yet; borrowed. */
int fd_dump_image(struct fd_dump *dump, enum image_kind kind, struct image **ret);
/* Appends MSG, and LEN bytes of payload behind it, to the image KIND. */
int fd_dump_append(struct fd_dump *dump, enum image_kind kind, const ProtobufCMessage *msg, const void *payload,
		   size_t len);
/* Writes the file_entry of TYPE and ID to files.img; MSG is its message. */
int fd_dump_write(struct fd_dump *dump, FdTypes type, uint32_t id, ProtobufCMessage *msg);
/*
 * The state of a row: allocated zeroed, SIZE bytes, when first asked for; it goes with free() after the row's
 * dump_end. NULL: no memory.
 */
void *fd_dump_state(struct fd_dump *dump, const struct fd_ops *ops, size_t size);
/* "task 12 (sleep): descriptor 3: /x y": starts every message about OBJ. */
#define FD_WHO		 "task %d (%s): descriptor %d (%s): "
#define FD_WHO_ARGS(obj) (obj)->task->pid, (obj)->task->comm, (obj)->nr, (obj)->link
/* Refuses OBJ by name: "task PID (comm): descriptor N: KIND (LINK) isn't supported". Always -EOPNOTSUPP. */
int fd_refuse(struct fd_dump *dump, const struct fd_object *obj, const char *kind);

/*
 * identity.c: is OBJ an open file that was met before? *RET_ID is its id, or 0 if not.
 * kcmp(2) is asked only about files that look alike.
 */
int identity_find(struct fd_dump *dump, const struct fd_object *obj, uint32_t *ret_id, FdTypes *ret_type);
/* Notes OBJ under its id. */
int identity_add(struct fd_dump *dump, const struct fd_object *obj, FdTypes type);
void identity_free(struct fd_dump *dump);

/* path.c */
void fd_paths_free(struct fd_dump *dump);

/* fown.c: the owner of OBJ, as F_GETOWN_EX, F_GETSIG and F_GETOWNER_UIDS of fcntl(2) tell it. */
int fown_dump(struct fd_dump *dump, const struct fd_object *obj, FownEntry *ret);

/* reg_dump.c: writes a reg_file_entry of ID for OBJ's path, with the flags FLAGS; a ghost file if it is deleted. */
int reg_dump_as(struct fd_dump *dump, const struct fd_object *obj, uint32_t id, uint32_t flags, const FownEntry *fown);

/*
 * ghost_dump.c: OBJ's file is deleted: stores it once and notes that the file ID stands for it.
 */
int ghost_dump(struct fd_dump *dump, const struct fd_object *obj, uint32_t id);

/*
 * link_dump.c: OBJ's file is deleted, but has other hard links: gives it a name for the restore (--link-remap; else it
 * is refused) near REMOVED, the one it had, and notes that it stands for the file ID.
 */
int link_dump(struct fd_dump *dump, const struct fd_object *obj, const char *removed, uint32_t id);

/*
 * proc_dump.c: if OBJ is a file of /proc about a process that has ended: notes that the file ID is one, and *RET_NAME
 * is its path (owned by the caller). Refuses what can't be opened again; leaves alone what its path leads to.
 */
int proc_dump(struct fd_dump *dump, const struct fd_object *obj, uint32_t id, char **ret_name);

/* build_id.c: the GNU build id of an ELF file as 32-bit words; 0 words if it has none. *RET goes with free(). */
int build_id_read(int fd, uint32_t **ret, size_t *nr);

#endif
