/* SPDX-License-Identifier: GPL-2.0 */
/* The dump of descriptor tables; what each kind of file needs is in the rows of the registry. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "fd/dump.h"
#include "proc/list.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

int fd_dump_begin(struct cr_ctx *ctx, const struct cr_opts *opts, int images_dirfd, struct fd_dump **ret)
{
	struct fd_dump *dump = calloc(1, sizeof(*dump));
	struct image *img;
	int r;

	if (!dump)
		return -ENOMEM;
	dump->ctx = ctx;
	dump->opts = opts;
	dump->dirfd = images_dirfd;
	r = fd_dump_image(dump, IMG_FILES, &img);
	if (r < 0)
		fd_dump_end(&dump, false);
	*ret = dump;
	return r;
}

void fd_dump_set_tree(struct fd_dump *dump, const struct task_tree *tree)
{
	dump->tree = tree;
}

int fd_dump_end(struct fd_dump **dumpp, bool ok)
{
	struct fd_dump *dump = *dumpp;
	int r = 0;

	if (!dump)
		return 0;
	for (size_t i = 0; i < fd_registry_nr; i++) {
		const struct fd_ops *ops = fd_registry[i];
		int done = ops->dump_end ? ops->dump_end(dump, ok && !r) : 0;

		if (!r)
			r = done;
		free(dump->state[i]);
	}
	for (int kind = 0; kind < IMG_KINDS; kind++) {
		int closed = image_close(&dump->images[kind]);

		if (closed < 0 && ok && !r)
			r = cr_fail_errno(dump->ctx, closed, "Can't write %s", image_kind_info(kind)->pattern);
	}
	identity_free(dump);
	fd_paths_free(dump);
	pair_map_free(&dump->ghosts);
	fd_links_end(dump->ctx, &dump->links, ok && !r);
	free(dump->seen);
	free(dump);
	*dumpp = NULL;
	return r;
}

uint32_t fd_dump_new_id(struct fd_dump *dump)
{
	return ++dump->last_id;
}

void *fd_dump_state(struct fd_dump *dump, const struct fd_ops *ops, size_t size)
{
	void **state = &dump->state[fd_ops_index(ops)];

	if (!*state)
		*state = calloc(1, size);
	return *state;
}

int fd_dump_image(struct fd_dump *dump, enum image_kind kind, struct image **ret)
{
	int r = 0;

	if (!dump->images[kind])
		r = image_create(dump->dirfd, kind, &dump->images[kind]);
	*ret = dump->images[kind];
	return r < 0 ? cr_fail_errno(dump->ctx, r, "Can't create %s", image_kind_info(kind)->pattern) : 0;
}

int fd_dump_append(struct fd_dump *dump, enum image_kind kind, const ProtobufCMessage *msg, const void *payload,
		   size_t len)
{
	struct image *img;
	int r = fd_dump_image(dump, kind, &img);

	if (r < 0)
		return r;
	r = image_write(img, msg);
	if (!r && len)
		r = image_write_payload(img, payload, len);
	return r < 0 ? cr_fail_errno(dump->ctx, r, "Can't write %s", image_kind_info(kind)->pattern) : 0;
}

int fd_dump_write(struct fd_dump *dump, FdTypes type, uint32_t id, ProtobufCMessage *msg)
{
	FileEntry file = FILE_ENTRY__INIT;

	file.type = type;
	file.id = id;
	*(ProtobufCMessage **)((char *)&file + fd_ops_by_type(type)->member) = msg;
	return fd_dump_append(dump, IMG_FILES, &file.base, NULL, 0);
}

int fd_refuse(struct fd_dump *dump, const struct fd_object *obj, const char *kind)
{
	if (obj->nr < 0)
		return cr_fail(dump->ctx, -EOPNOTSUPP, "task %d (%s): %s (%s) isn't supported", obj->task->pid,
			       obj->task->comm, kind, obj->link);
	return cr_fail(dump->ctx, -EOPNOTSUPP, "task %d (%s): descriptor %d: %s (%s) isn't supported", obj->task->pid,
		       obj->task->comm, obj->nr, kind, obj->link);
}

/* What an open file is that no row wants. */
static const char *kind_of(const struct fd_object *obj)
{
	static const struct {
		mode_t type;
		const char *kind;
	} kinds[] = {
		{ S_IFREG, "a file of this kind" },
		{ S_IFDIR, "a directory of this kind" },
		{ S_IFCHR, "a device" },
		{ S_IFBLK, "a block device" },
		{ S_IFSOCK, "a socket" },
		{ S_IFIFO, "a pipe of this kind" },
		{ S_IFLNK, "a symbolic link" },
	};

	if (str_starts(obj->link, "anon_inode:"))
		return "a kernel object";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((obj->st.st_mode & S_IFMT) == kinds[i].type)
			return kinds[i].kind;
	return "a file";
}

/* The descriptor NR of the task with all that can be read about it. Ends with close_object(). */
struct held_object {
	struct fd_object obj;
	struct proc_fdinfo info;
	char *link;
};

static void close_object(struct held_object *held)
{
	close_fdp(&held->obj.fd);
	proc_fdinfo_free(&held->info);
	free(held->link);
}

static int open_object(struct fd_dump *dump, const struct fd_task *task, int nr, struct held_object *ret)
{
	char name[32];
	int r;

	*ret = (struct held_object){ .obj = { .task = task, .nr = nr, .fd = -1 } };
	snprintf(name, sizeof(name), "fd/%d", nr);
	r = read_link_at(task->procfd, name, &ret->link);
	if (!r)
		r = proc_read_fdinfo(task->procfd, nr, &ret->info);
	if (!r) {
		ret->obj.fd = syscall(SYS_pidfd_getfd, task->pidfd, nr, 0);
		if (ret->obj.fd < 0 || fstat(ret->obj.fd, &ret->obj.st) < 0)
			r = -errno;
	}
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, "task %d (%s): Can't get at descriptor %d", task->pid, task->comm,
				     nr);
	ret->obj.link = ret->link;
	ret->obj.info = &ret->info;
	ret->obj.flags = ret->info.flags & ~O_CLOEXEC;
	ret->obj.pos = ret->info.pos;
	return 0;
}

static int read_cloexec(struct fd_dump *dump, const struct fd_object *obj, bool *ret)
{
	int flags = fcntl(obj->fd, F_GETFL), r;

	*ret = obj->info->flags & O_CLOEXEC;
	if (flags < 0 || !(flags & O_CLOEXEC))
		return 0;
	/* It stands in the flags of the open file itself, and so for each of its descriptors. */
	if (!obj->task->getfd) {
		*ret = obj->nr > STDERR_FILENO;
		log_warn(dump->ctx->log, FD_WHO "the kernel doesn't tell if it is close-on-exec: taken as %s",
			 FD_WHO_ARGS(obj), *ret ? "set" : "unset");
		return 0;
	}
	r = obj->task->getfd(obj->task->getfd_arg, obj->nr);
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't ask if it is close-on-exec", FD_WHO_ARGS(obj));
	*ret = r & FD_CLOEXEC;
	return 0;
}

/* Locks and leases are gone with their holder, and whoever waits for them would get them. */
static int check_locks(struct fd_dump *dump, const struct fd_object *obj)
{
	const char *lock = proc_fdinfo_value(obj->info, "lock", 0);

	if (!lock)
		return 0;
	return cr_fail(dump->ctx, -EOPNOTSUPP, FD_WHO "a file lock or lease is held (%s): this isn't supported%s",
		       FD_WHO_ARGS(obj), lock, dump->opts->file_locks ? " yet, not with --file-locks either" : "");
}

/* Gives SEEN its id and type; a file not met before is dumped, unless its row is late. */
static int dump_descriptor(struct fd_dump *dump, const struct fd_task *task, struct fd_seen *seen)
{
	__cleanup(close_object) struct held_object held = { .obj.fd = -1 };
	struct fd_object *obj = &held.obj;
	const struct fd_ops *ops = NULL;
	int r = open_object(dump, task, seen->nr, &held);

	if (!r)
		r = check_locks(dump, obj);
	if (r < 0)
		return r;
	r = read_cloexec(dump, obj, &seen->cloexec);
	if (r < 0)
		return r;
	seen->dev = obj->st.st_dev;
	seen->ino = obj->st.st_ino;
	r = identity_find(dump, obj, &seen->id, &seen->type);
	if (r < 0 || seen->id)
		return r;
	for (size_t i = 0; i < fd_registry_nr && !ops; i++)
		if (fd_registry[i]->match(obj))
			ops = fd_registry[i];
	if (!ops)
		return fd_refuse(dump, obj, kind_of(obj));
	obj->id = seen->id = fd_dump_new_id(dump);
	seen->type = ops->type;
	r = identity_add(dump, obj, ops->type);
	if (r < 0)
		return r;
	if (ops->late)
		seen->late = ops;
	else
		r = ops->dump(dump, obj);
	return r;
}

static int dump_late(struct fd_dump *dump, const struct fd_task *task, const struct fd_seen *seen)
{
	__cleanup(close_object) struct held_object held = { .obj.fd = -1 };
	int r = open_object(dump, task, seen->nr, &held);

	if (r < 0)
		return r;
	held.obj.id = seen->id;
	return seen->late->dump(dump, &held.obj);
}

static int write_table(struct fd_dump *dump, uint32_t files_id)
{
	_cleanup_image_ struct image *img = NULL;
	int r = image_create(dump->dirfd, IMG_FDINFO, &img, (unsigned long)files_id);

	for (size_t i = 0; i < dump->nr_seen && !r; i++) {
		FdinfoEntry entry = FDINFO_ENTRY__INIT;

		entry.id = dump->seen[i].id;
		entry.flags = dump->seen[i].cloexec ? FD_CLOEXEC : 0;
		entry.type = dump->seen[i].type;
		entry.fd = dump->seen[i].nr;
		r = image_write(img, &entry.base);
	}
	if (!r)
		r = image_close(&img);
	return r < 0 ? cr_fail_errno(dump->ctx, r, "Can't write fdinfo-%u.img", files_id) : 0;
}

int fd_dump_task(struct fd_dump *dump, const struct fd_task *task)
{
	int r = 0;

	for (size_t i = 0; i < fd_registry_nr && !r; i++)
		if (fd_registry[i]->dump_task)
			r = fd_registry[i]->dump_task(dump, task);
	return r;
}

int fd_dump_table(struct fd_dump *dump, const struct fd_task *task)
{
	_cleanup_proc_numbers_ struct proc_numbers numbers = {};
	int r = proc_list_fds(task->procfd, &numbers);

	if (r < 0)
		return cr_fail_errno(dump->ctx, r, "task %d (%s): Can't list its descriptors", task->pid, task->comm);
	free(dump->seen);
	dump->nr_seen = 0;
	dump->seen = calloc(numbers.nr ?: 1, sizeof(*dump->seen));
	if (!dump->seen)
		return -ENOMEM;
	for (size_t i = 0; i < numbers.nr && !r; i++) {
		dump->seen[i].nr = numbers.v[i];
		r = dump_descriptor(dump, task, &dump->seen[i]);
		dump->nr_seen = i + 1;
	}
	for (size_t i = 0; i < dump->nr_seen && !r; i++)
		if (dump->seen[i].late)
			r = dump_late(dump, task, &dump->seen[i]);
	return r < 0 ? r : write_table(dump, task->files_id);
}
