/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of /proc that are about one process, at restore. Those of a task that had ended are opened in the root task
 * while a process of that number exists. Those of the tree's own tasks are "late": opened when all tasks are there, by
 * the task whose table finishes them; the others that have the same open file take it over from that task.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fd/proc_path.h"
#include "fd/restore.h"
#include "task/task.h"

int proc_check_ended(struct fd_restore *restore, const struct fd_file *file, uint32_t pid)
{
	struct proc_path path;

	if (!proc_path_parse(file->entry->reg->name, &path) || (uint32_t)path.pid != pid)
		return cr_fail(restore->ctx, -EBADMSG, "remap-fpath.img: %s is no file of process %u",
			       file->entry->reg->name, pid);
	return 0;
}

/* No child that anybody could see: its end is told to nobody, and it ends with us. */
static pid_t make_process(pid_t pid)
{
	struct clone_args args = {
		.flags = CLONE_UNTRACED,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t parent = getpid(), got = syscall(SYS_clone3, &args, sizeof(args));

	if (got)
		return got < 0 ? -errno : got;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

int proc_with_process(struct fd_restore *restore, pid_t pid, int (*run)(struct fd_restore *restore, void *arg),
		      void *arg)
{
	pid_t got = make_process(pid);
	int r;

	if (got == -EEXIST)
		return cr_fail(restore->ctx, -EEXIST,
			       "Pid %d, of an ended process whose /proc files were open, is in use", pid);
	if (got < 0)
		return cr_fail_errno(restore->ctx, got, "Can't make a process %d, whose /proc files were open", pid);
	r = run(restore, arg);
	kill(got, SIGKILL);
	while (waitpid(got, NULL, __WALL) < 0 && errno == EINTR)
		;
	return r;
}

/* ---- late files ---------------------------------------------------------------------------------------------- */

size_t fd_restore_find_late(struct fd_restore *restore, const struct task_tree *tree)
{
	size_t nr = 0;
	int inherited;

	for (size_t i = 0; i < restore->nr_files; i++) {
		struct fd_file *file = &restore->files[i];
		const struct task *task;
		struct proc_path path;

		if (file->ops->type != FD_TYPES__REG || file->deleted || file->path_only ||
		    !proc_path_parse(file->entry->reg->name, &path) || inherit_has(restore, file, &inherited))
			continue;
		task = task_tree_find(tree, path.pid);
		file->late = task && task->state != TASK_HELPER;
		if (file->late)
			file->late_slot = nr++;
	}
	return nr;
}

int fd_restore_open_late(struct fd_restore *restore, uint32_t files_id, pid_t pid, struct fd_late *slots)
{
	const struct fd_table *table = fd_table_find(restore, files_id);

	for (size_t i = 0; table && i < table->nr; i++) {
		struct fd_file *file = table->v[i].file;
		struct fd_late *slot = &slots[file->late_slot];
		int r;

		if (!file->late || file->table != table)
			continue;
		if (slot->pid != pid) {
			r = fd_restore_get(restore, file->id, &slot->fd);
			if (r < 0)
				return r;
			slot->pid = pid;
		}
		table->v[i].late_fd = slot->fd;
	}
	return 0;
}

static int fetch(pid_t pid, int nr)
{
	_cleanup_close_ int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int fd = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, nr, 0);

	return fd < 0 ? -errno : fd;
}

int fd_restore_fetch_late(struct fd_restore *restore, uint32_t files_id, const struct fd_late *slots)
{
	const struct fd_table *table = fd_table_find(restore, files_id);

	for (size_t i = 0; table && i < table->nr; i++) {
		struct fd_file *file = table->v[i].file;
		const struct fd_late *slot = &slots[file->late_slot];
		int fd;

		if (!file->late || file->table == table)
			continue;
		fd = fetch(slot->pid, slot->fd);
		table->v[i].late_fd = fd = fd < 0 ? fd : fd_move_high(fd, restore->first_fd);
		if (fd < 0)
			return cr_fail_errno(restore->ctx, fd, "Can't get %s from task %d", file->entry->reg->name,
					     slot->pid);
	}
	return 0;
}

int fd_restore_seek_late(struct fd_restore *restore, uint32_t files_id, pid_t pid)
{
	const struct fd_table *table = fd_table_find(restore, files_id);

	for (size_t i = 0; table && i < table->nr; i++) {
		struct fd_file *file = table->v[i].file;
		_cleanup_close_ int fd = -1;

		if (!file->late || file->finished || file->table != table)
			continue;
		file->finished = true;
		if (!file->entry->reg->pos || (file->entry->reg->flags & O_PATH))
			continue;
		fd = fetch(pid, table->v[i].nr);
		if (fd < 0 || lseek(fd, file->entry->reg->pos, SEEK_SET) < 0)
			return cr_fail_errno(restore->ctx, fd < 0 ? fd : -errno, "Can't set the offset of %s",
					     file->entry->reg->name);
	}
	return 0;
}
