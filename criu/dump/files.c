/* SPDX-License-Identifier: GPL-2.0 */
/* Descriptors of every task, and the files that tasks refer to otherwise. */
#include <errno.h>
#include <fcntl.h>

#include "dump/state.h"
#include "fs.pb-c.h"
#include "image/image.h"
#include "seize/supervisor.h"

static int get_fd_flags(void *arg, int nr)
{
	const struct dump_fd_task *ft = arg;
	struct parasite_fd *fd = &parasite_args(ft->task)->fd;
	int r;

	fd->nr = nr;
	r = parasite_run(ft->dump->ctx, ft->task, 0, PARASITE_GET_FD_FLAGS);
	return r < 0 ? r : fd->flags;
}

void dump_fd_task_init(struct dump *d, struct task *task, struct dump_fd_task *ret)
{
	*ret = (struct dump_fd_task){
		.fd = {
			.pid = task->pid,
			.pidfd = task->dump->pidfd,
			.procfd = task->dump->procfd,
			.files_id = state_of(task)->ids[SHARE_FILES],
			.comm = task->dump->stat.comm,
			.getfd = get_fd_flags,
			.getfd_arg = ret,
		},
		.dump = d,
		.task = task,
	};
}

/* NAME is an entry of /proc/PID that leads to a file. */
static int dump_link(struct dump *d, struct task *task, const char *name, uint32_t *ret)
{
	_cleanup_close_ int fd = openat(task->dump->procfd, name, O_PATH | O_CLOEXEC);
	struct dump_fd_task ft;

	if (fd < 0)
		return cr_fail_errno(d->ctx, -errno, "Can't open /proc/%d/%s", task->pid, name);
	dump_fd_task_init(d, task, &ft);
	return fd_dump_path(d->fds, &ft.fd, fd, O_RDONLY, ret);
}

static int dump_fs(struct dump *d, struct task *task)
{
	struct dump_state *s = state_of(task);
	FsEntry fs = FS_ENTRY__INIT;
	int r;

	r = dump_link(d, task, "cwd", &s->cwd_id);
	if (!r)
		r = dump_link(d, task, "root", &s->root_id);
	if (r < 0)
		return r;
	fs.cwd_id = s->cwd_id;
	fs.root_id = s->root_id;
	fs.has_umask = true;
	fs.umask = s->umask;
	r = image_write_single(d->images_dirfd, IMG_FS, &fs.base, (unsigned long)task->pid);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't write fs-%d.img", task->pid) : 0;
}

int dump_files(struct dump *d)
{
	struct task *task;
	int r;

	r = fd_dump_begin(d->ctx, d->opts, d->images_dirfd, &d->fds);
	if (r < 0)
		return r;
	fd_dump_set_tree(d->fds, &d->tree);
	for_each_task (&d->tree, task) {
		struct dump_fd_task ft;

		if (task->state == TASK_DEAD)
			continue;
		if (supervise_cancelled())
			return cr_fail(d->ctx, -EINTR, "Cancelled");
		dump_fd_task_init(d, task, &ft);
		r = dump_link(d, task, "exe", &state_of(task)->exe_id);
		if (!r)
			r = fd_dump_task(d->fds, &ft.fd);
		if (!r && owns(task, SHARE_FILES))
			r = fd_dump_table(d->fds, &ft.fd);
		if (!r)
			r = dump_fs(d, task);
		if (r < 0)
			return r;
	}
	return 0;
}
