/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/task_run.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/prctl.h"
#include "restore/boot.h"
#include "restore/cow.h"
#include "restore/fork.h"
#include "restore/reopen.h"

/* Whoever waits for us learns of it by our end. */
static __attribute__((noreturn)) void fail_task(struct restore *r, struct restore_task *rt, int err)
{
	cr_fail_errno(&r->ctx, err, "Can't restore task %d", rt->task->pid);
	_exit(1);
}

/* ---- what all tasks inherit from the root task --------------------------------------------------------------- */

static int dup_high(struct restore *r, int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, r->first_service_fd);

	return high < 0 ? cr_fail_errno(&r->ctx, -errno, "No descriptor at %d or above", r->first_service_fd) : high;
}

static int open_shared(struct restore *r)
{
	struct task *t;
	int fd, err;

	fd = dup_high(r, log_fd(r->ctx.log));
	if (fd < 0)
		return fd;
	log_set_fd(r->ctx.log, fd);
	for_each_task (&r->tree, t) {
		struct restore_task *rt = restore_of(t);

		fd = rt->staged_fd >= 0 ? rt->staged_fd : rt->source ? rt->source->fd : -1;
		if (fd < 0)
			continue;
		fd = dup_high(r, fd);
		if (fd < 0)
			return fd;
		rt->pages_fd = fd;
	}
	err = fd_restore_open_all(r->fds, r->first_service_fd);
	if (!err)
		err = shmem_restore_create(r->segments, r->first_service_fd);
	return err;
}

/* ---- descriptors --------------------------------------------------------------------------------------------- */

struct keep {
	int *v;
	size_t nr, room;
};

static int keep_fd(struct keep *keep, int fd)
{
	for (size_t i = 0; i < keep->nr; i++)
		if (keep->v[i] == fd)
			return 0;
	if (keep->nr == keep->room) {
		size_t room = keep->room ? 2 * keep->room : 64;
		int *v = reallocarray(keep->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		keep->v = v;
		keep->room = room;
	}
	keep->v[keep->nr++] = fd;
	return 0;
}

static int keep_file(struct restore *r, struct keep *keep, uint32_t id)
{
	int fd, err = fd_restore_get(r->fds, id, &fd);

	return err ? cr_fail_errno(&r->ctx, err, "There is no file %u in files.img", id) : keep_fd(keep, fd);
}

static int get_file(struct restore *r, struct reopened *reopened, const struct area_file *file, int *fd)
{
	int err = fd_restore_get(r->fds, file->id, fd);

	if (err || !file->writable)
		return err;
	return reopen_for_writing(&r->ctx, reopened, file->id, r->first_service_fd, fd);
}

/* Gives each area its descriptor. */
static int find_area_files(struct restore *r, struct restore_task *rt)
{
	struct mem_plan *plan = &rt->plan;
	struct reopened reopened = { 0 };
	int err = 0;

	for (size_t i = 0; i < plan->nr_areas && !err; i++) {
		const struct area_file *file = &plan->files[i];

		if (file->kind == AREA_ANON)
			continue;
		if (file->kind == AREA_FILE)
			err = get_file(r, &reopened, file, &plan->areas[i].fd);
		else if (file->kind == AREA_SYSV)
			err = sysv_restore_get(r->sysv, file->id, &plan->areas[i].fd, &plan->areas[i].whole);
		else if (file->kind == AREA_MEMFD)
			err = fd_restore_get_memfd(r->fds, file->id, file->writable, &plan->areas[i].fd);
		else
			err = shmem_restore_get(r->segments, file->id, &plan->areas[i].fd);
		if (err)
			cr_fail_errno(&r->ctx, err, "Task %d: no %s %llu for the area at %#llx", rt->task->pid,
				      file->kind == AREA_SEGMENT ? "segment" : "file", (unsigned long long)file->id,
				      (unsigned long long)plan->areas[i].start);
	}
	free(reopened.v);
	return err;
}

static int keep_for(struct restore *r, struct restore_task *rt, struct keep *keep)
{
	int err = find_area_files(r, rt);

	for (size_t i = 0; i < rt->plan.nr_areas && !err; i++)
		/* One file has many areas in a row. */
		if (rt->plan.areas[i].fd >= 0 && rt->plan.files[i].kind != AREA_SYSV &&
		    (!i || rt->plan.areas[i].fd != rt->plan.areas[i - 1].fd))
			err = keep_fd(keep, rt->plan.areas[i].fd);
	if (!err && rt->pages_fd >= 0)
		err = keep_fd(keep, rt->pages_fd);
	if (!err && !is_guest(rt, SHARE_VM))
		err = keep_file(r, keep, rt->mm->exe_file_id);
	if (!err)
		err = keep_file(r, keep, rt->fs->cwd_id);
	return err ?: keep_file(r, keep, rt->fs->root_id);
}

/* Those of the tasks' own /proc directories, which are all there by now. */
static int open_late_files(struct restore *r, struct restore_task *rt)
{
	int err = 0;

	if (!is_guest(rt, SHARE_FILES))
		err = fd_restore_open_late(r->fds, rt->ids->files_id, rt->task->pid, r->late);
	if (err)
		return err;
	barrier_wait(r, rt, &r->shared->late_opened);
	if (!is_guest(rt, SHARE_FILES))
		err = fd_restore_fetch_late(r->fds, rt->ids->files_id, r->late);
	if (!err)
		barrier_wait(r, rt, &r->shared->late_fetched);
	return err;
}

static int install_files(struct restore *r, struct restore_task *rt)
{
	struct keep keep = { 0 };
	struct task *t;
	int err;

	if (is_guest(rt, SHARE_FILES))
		return 0;
	err = keep_fd(&keep, log_fd(r->ctx.log));
	for_each_task (&r->tree, t)
		if (!err && task_lives(t) && restore_of(t)->owner[SHARE_FILES] == rt)
			err = keep_for(r, restore_of(t), &keep);
	if (!err)
		err = fd_restore_install(r->fds, rt->ids->files_id, rt->task->pid, keep.v, keep.nr);
	if (!err)
		err = fd_restore_finish(r->fds, rt->ids->files_id, rt->task->pid, rt->task->sid);
	free(keep.v);
	return err;
}

/* ---- directories --------------------------------------------------------------------------------------------- */

static bool same_directory(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int restore_fs(struct restore *r, struct restore_task *rt)
{
	struct stat now, then;
	int root, cwd, err;

	if (is_guest(rt, SHARE_FS))
		return 0;
	err = fd_restore_get(r->fds, rt->fs->root_id, &root);
	if (!err)
		err = fd_restore_get(r->fds, rt->fs->cwd_id, &cwd);
	if (err)
		return err;
	if (fstat(root, &then) || stat("/", &now))
		return cr_fail_errno(&r->ctx, -errno, "Can't look at the root of task %d", rt->task->pid);
	if (!same_directory(&now, &then) && (fchdir(root) || chroot(".")))
		return cr_fail_errno(&r->ctx, -errno, "Can't change the root of task %d", rt->task->pid);
	if (fchdir(cwd))
		return cr_fail_errno(&r->ctx, -errno, "Can't change the directory of task %d", rt->task->pid);
	if (rt->fs->has_umask)
		umask(rt->fs->umask & 0777);
	return 0;
}

/* -------------------------------------------------------------------------------------------------------------- */

static int restore_task(struct restore *r, struct restore_task *rt)
{
	int err;

	err = cow_settle(r, rt);
	if (!err && r->late)
		err = open_late_files(r, rt);
	if (!err)
		err = install_files(r, rt);
	/* Until then the numbers below the service descriptors are the owner's of a shared table. */
	if (!err && r->any_shared[SHARE_FILES])
		barrier_wait(r, rt, &r->shared->files);
	if (!err && is_guest(rt, SHARE_FILES))
		err = find_area_files(r, rt);
	if (!err)
		err = fd_restore_task(r->fds, rt->ids->files_id, rt->task->pid, rt->task->sid);
	if (!err)
		err = proc_values_restore(&r->ctx, rt->task->pid, rt->cores[0]->tc);
	/* A root directory that is shared changes for all. */
	if (!err && r->any_shared[SHARE_FS])
		barrier_wait(r, rt, &r->shared->paths);
	if (!err)
		err = restore_fs(r, rt);
	if (!err)
		err = task_stage(r, rt, STAGE_FILES);
	return err ?: boot(r, rt);
}

__attribute__((noreturn)) void task_run(struct restore *r, struct restore_task *rt)
{
	int err = task_stage(r, rt, STAGE_BORN);

	if (!err)
		err = join_tree(r, rt);
	if (!err)
		err = restore_task(r, rt);
	fail_task(r, rt, err);
}

/* What all would inherit; whose images say so sets it again (pie/restorer_attributes.c). */
static void drop_memory_attributes(void)
{
	if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) > 0)
		prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	if (prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0) > 0)
		prctl(PR_SET_MEMORY_MERGE, 0, 0, 0, 0);
}

__attribute__((noreturn)) void task_run_root(struct restore *r, struct restore_task *rt)
{
	int err;

	drop_memory_attributes();
	err = open_shared(r) ?: cow_map(r);

	if (err)
		fail_task(r, rt, err);
	task_run(r, rt);
}
