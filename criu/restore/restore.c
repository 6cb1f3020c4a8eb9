/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/restore.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/io.h"
#include "base/script.h"
#include "base/str.h"
#include "fd/ghost_names.h"
#include "image/cpuinfo.h"
#include "image/stats.h"
#include "kernel/kernel.h"
#include "restore/arch.h"
#include "restore/cow.h"
#include "restore/finalize.h"
#include "restore/fork.h"
#include "restore/guardian.h"
#include "restore/huge_pages.h"
#include "restore/lazy.h"
#include "restore/read.h"
#include "restore/stage.h"
#include "restore/staged_pages.h"
#include "restore/trace.h"
#include "restore/tree_plan.h"
#include "task/posix_timers.h"

/* From here on, or above the highest descriptor of the tasks: what is ours. */
#define SERVICE_FD_MIN 64

static int phase_read(void *arg)
{
	struct restore *r = arg;
	int err = fd_limit_raise(&r->own_nofile);

	if (err)
		log_warn(r->ctx.log, "Can't raise the limit of descriptors: %s", strerror(-err));
	err = cpuinfo_check(&r->ctx, r->images_dirfd, r->opts->cpu_cap);
	return err ?: restore_read(r);
}

/* ---- plan ---------------------------------------------------------------------------------------------------- */

static enum huge_mode read_huge_mode(void)
{
	_cleanup_close_ int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
	char text[64] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0 || strstr(text, "[never]"))
		return HUGE_NEVER;
	return strstr(text, "[always]") ? HUGE_ALWAYS : HUGE_ADVISED;
}

static int open_pages(struct restore *r, struct restore_task *rt)
{
	int err;

	if (!rt->pagemap || !rt->pagemap->nr)
		return 0;
	if (r->fam)
		err = source_fam_open(r->fam, &rt->source);
	else
		err = source_open(&r->ctx, r->images_dirfd, rt->pagemap->pages_id, &rt->source);
	if (!err)
		source_readahead(rt->source, lazy_wanted(r) ? TRI_NO : r->opts->readahead);
	return err;
}

static int plan_memory(struct restore *r, struct restore_task *rt)
{
	const struct pagemap *rest = cow_rest(rt);
	enum fill_way way = FILL_PREAD;
	pid_t pid = rt->task->pid;
	int err;

	if (rt->source) {
		way = fill_choose(rest->nr_pages * RUN_PAGE_SIZE, rt->source);
		if (way == FILL_OUTSIDE && !kernel_has(r->kernel, KERNEL_UFFD))
			way = FILL_PREAD;
		if (lazy_possible(r, rt))
			way = FILL_LAZY;
	}
	err = vma_check_count(&r->ctx, pid, mm_nr_areas(rt->mm));
	if (!err)
		err = mem_plan_areas(&r->ctx, pid, rt->mm, rest, way, r->huge, &rt->plan);
	if (!err && rt->extra)
		mem_plan_extra(rt->extra, &rt->plan);
	if (!err)
		err = mem_plan_rings(&r->ctx, pid, rt->mm, rt->pagemap, rt->source, &rt->plan);
	if (!err)
		cow_mark_areas(r, rt);
	if (!err)
		err = mem_plan_vdso(&r->ctx, pid, rt->mm, rt->pagemap, rt->source, &r->vdso, user_address_end(),
				    &rt->plan);
	return err;
}

static int read_segments(struct restore *r)
{
	_cleanup_free_ MmEntry **mms = calloc(r->nr_alive, sizeof(*mms));
	struct task *t;
	size_t n = 0;
	int err;

	if (!mms)
		return -ENOMEM;
	for_each_task (&r->tree, t)
		if (task_lives(t) && !is_guest(restore_of(t), SHARE_VM))
			mms[n++] = restore_of(t)->mm;
	err = shmem_restore_read(&r->ctx, r->images_dirfd, r->fam, mms, n, &r->segments);
	if (!err)
		err = sysv_restore_read(&r->ctx, r->images_dirfd, r->fam, r->ipc_ns_id, mms, n, &r->sysv);
	if (!err && r->opts->readahead == TRI_NO) {
		shmem_restore_no_readahead(r->segments);
		sysv_restore_no_readahead(r->sysv);
	}
	return err;
}

static int plan_memfds(struct restore *r, const struct restore_task *rt)
{
	for (size_t i = 0; i < rt->plan.nr_areas; i++) {
		const struct area_file *file = &rt->plan.files[i];

		if (file->kind == AREA_MEMFD && fd_restore_plan_memfd(r->fds, file->id, file->writable))
			return cr_fail(&r->ctx, -EBADMSG, "mm-%d.img: area %llx maps a memfd %llu that isn't there",
				       rt->task->pid, (unsigned long long)rt->plan.areas[i].start,
				       (unsigned long long)file->id);
	}
	return 0;
}

static int plan_seccomp(struct restore *r, struct restore_task *rt)
{
	int err = seccomp_plan(&r->ctx, rt->task, rt->cores, r->seccomp, &rt->seccomp);

	r->any_seccomp |= rt->seccomp.any;
	return err;
}

static int plan_timers(struct restore *r, const struct restore_task *rt)
{
	const TaskTimersEntry *timers = rt->cores[0]->tc->timers;

	if (!timers || !timers->n_posix)
		return 0;
	r->timer_ids = kernel_has(r->kernel, KERNEL_TIMER_CR_IDS);
	if (!r->timer_ids && posix_timers_too_high(timers))
		return cr_fail(&r->ctx, -EOPNOTSUPP, "Task %d: POSIX timer %u has too high a number for this kernel",
			       rt->task->pid, timers->posix[timers->n_posix - 1]->it_id);
	return 0;
}

static int phase_plan(void *arg)
{
	struct restore *r = arg;
	struct task *t;
	int err;

	err = tree_plan(r);
	if (!err)
		err = kernel_new(&r->kernel);
	if (!err)
		err = vdso_find_live(&r->ctx, &r->vdso);
	if (!err)
		err = own_creds_read(&r->ctx, &r->own_creds);
	own_attributes_read(&r->own_attributes);
	r->slacks_differ = attributes_slacks_differ(r->attributes, &r->own_attributes);
	if (!err)
		err = read_segments(r);
	/* All pagemaps are known by now, and nothing has been made. */
	if (!err && r->fam && r->opts->fam_verify)
		err = fam_set_verify(r->fam, r->opts->fam_threads);
	r->huge = read_huge_mode();
	for_each_task (&r->tree, t)
		if (!err && task_lives(t))
			err = open_pages(r, restore_of(t));
	if (!err)
		err = lazy_wanted(r) ? lazy_check(r) : cow_plan(r);
	for_each_task (&r->tree, t) {
		if (err)
			break;
		if (!task_lives(t))
			continue;
		err = plan_seccomp(r, restore_of(t));
		if (!err)
			err = plan_timers(r, restore_of(t));
		if (is_guest(restore_of(t), SHARE_VM))
			continue;
		if (!err)
			err = plan_memory(r, restore_of(t));
		if (!err)
			err = plan_memfds(r, restore_of(t));
	}
	return err ?: staged_pages_make(r);
}

/* ---- prepare ------------------------------------------------------------------------------------------------- */

/* All that tasks and engine tell each other. */
static int make_shared(struct restore *r)
{
	size_t nr_late = fd_restore_find_late(r->fds, &r->tree), n = 0;
	size_t len = sizeof(*r->shared) + r->tree.nr_tasks * sizeof(*r->shared->slots);
	size_t late_at = len;
	struct task *t;

	len = (len + nr_late * sizeof(*r->late) + 4095) & ~4095ul;
	r->shared = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->shared == MAP_FAILED) {
		r->shared = NULL;
		return cr_fail_errno(&r->ctx, -errno, "Can't make shared memory");
	}
	r->shared_len = len;
	if (nr_late)
		r->late = (struct fd_late *)((char *)r->shared + late_at);
	r->shared->nr_slots = r->tree.nr_tasks;
	r->shared->fault_stage = stage_fault();
	r->shared->forked.left = r->tree.nr_tasks;
	r->shared->grouped.left = r->tree.nr_tasks;
	r->shared->files.left = r->nr_alive;
	r->shared->paths.left = r->nr_alive;
	r->shared->memory.left = r->nr_alive;
	r->shared->late_opened.left = r->shared->late_fetched.left = r->nr_alive;
	for_each_task (&r->tree, t) {
		restore_of(t)->slot = &r->shared->slots[n++];
		restore_of(t)->slot->uffd = -1;
	}
	/* What tasks say about their failures has to come here. */
	r->ctx.error = &r->shared->error;
	return 0;
}

static int phase_prepare(void *arg)
{
	struct restore *r = arg;
	int err;

	r->own_pgid = getpgid(0);
	r->first_service_fd = fd_restore_min_service_fd(r->fds);
	if (r->first_service_fd < SERVICE_FD_MIN)
		r->first_service_fd = SERVICE_FD_MIN;
	err = fd_restore_make_memfds(r->fds, r->first_service_fd);
	if (!err)
		err = make_shared(r);
	if (!err)
		err = sysv_restore_make(r->sysv, &r->shared->committed);
	/* What of them is free now is for the tasks. */
	return err ?: check_huge_pages(r);
}

static int phase_pre_restore(void *arg)
{
	struct restore *r = arg;

	return script_run(&r->ctx, r->opts, SCRIPT_PRE_RESTORE, r->images_dirfd, 0);
}

/* ---- tasks --------------------------------------------------------------------------------------------------- */

static int phase_fork(void *arg)
{
	struct restore *r = arg;
	int err = fork_root(r);

	cow_release(r);
	return err;
}

static void undo_fork(void *arg)
{
	struct restore *r = arg;

	if (r->fill)
		fill_cancel(&r->fill);
	trace_kill_all(r);
	fd_restore_undo(r->fds);
}

static int phase_tasks(void *arg)
{
	struct restore *r = arg;
	int err = trace_until_parked(r);

	if (!err && r->fill)
		err = fill_finish(&r->fill, NULL);
	if (!err)
		err = fd_restore_seal_memfds(r->fds);
	return err ?: sysv_restore_settle(r->sysv);
}

static int phase_pager(void *arg)
{
	return lazy_start(arg);
}

static void undo_pager(void *arg)
{
	lazy_cancel(arg);
}

static int phase_post_restore(void *arg)
{
	struct restore *r = arg;

	return script_run(&r->ctx, r->opts, SCRIPT_POST_RESTORE, r->images_dirfd, r->root_pid);
}

static int phase_finalize(void *arg)
{
	struct restore *r = arg;
	struct task *t;
	int err = finalize_tasks(r);

	for_each_task (&r->tree, t)
		if (!err && r->late && task_lives(t))
			err = fd_restore_seek_late(r->fds, restore_of(t)->ids->files_id, t->pid);
	return err;
}

static int make_pidfile(void *arg, const char *path)
{
	const struct restore *r = arg;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char text[16];

	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%d", r->root_pid);
	return write_full(fd, text, strlen(text));
}

static int phase_pidfile(void *arg)
{
	struct restore *r = arg;
	_cleanup_free_ char *path = NULL;
	int err;

	if (!r->opts->pidfile)
		return 0;
	path = str_printf("%s%s", strchr(r->opts->pidfile, '/') ? "" : "./", r->opts->pidfile);
	if (!path)
		return -ENOMEM;
	err = ghost_names_begin(&r->ctx, &r->pidfile);
	if (err)
		return err;
	ghost_names_keep_when(r->pidfile, &r->shared->committed);
	err = ghost_names_make(r->pidfile, path, false, make_pidfile, r);
	return err ? cr_fail_errno(&r->ctx, err, "Can't create %s", r->opts->pidfile) : 0;
}

static void undo_pidfile(void *arg)
{
	struct restore *r = arg;

	ghost_names_end(&r->pidfile);
}

static int phase_pre_resume(void *arg)
{
	struct restore *r = arg;

	return script_run(&r->ctx, r->opts, SCRIPT_PRE_RESUME, r->images_dirfd, r->root_pid);
}

static int phase_guardian(void *arg)
{
	return guardian_start(arg);
}

static void undo_guardian(void *arg)
{
	guardian_end(arg);
}

const struct phase restore_phases[] = {
	{ "restore-read", phase_read, NULL },
	{ "restore-plan", phase_plan, NULL },
	{ "restore-prepare", phase_prepare, NULL },
	{ "restore-pre-restore-script", phase_pre_restore, NULL },
	{ "restore-fork", phase_fork, undo_fork },
	{ "restore-tasks", phase_tasks, NULL },
	{ "restore-pager", phase_pager, undo_pager },
	{ "restore-post-restore-script", phase_post_restore, NULL },
	{ "restore-finalize", phase_finalize, NULL },
	{ "restore-pidfile", phase_pidfile, undo_pidfile },
	{ "restore-pre-resume-script", phase_pre_resume, NULL },
	{ "restore-guardian", phase_guardian, undo_guardian },
};
const size_t restore_nr_phases = sizeof(restore_phases) / sizeof(restore_phases[0]);

/* ---- behind the point of no return --------------------------------------------------------------------------- */

static void write_stats(struct restore *r)
{
	struct task *t;
	int err;

	for_each_task (&r->tree, t)
		r->stats.restore.pages_restored += restore_of(t)->plan.nr_pages;
	r->stats.restore.pages_restored += r->stats.restore.pages_skipped_cow;
	r->stats.restore.forking_time = r->shared->forked_us - r->started_us;
	r->stats.restore.restore_time = now_us() - r->started_us;
	err = stats_write_restore(AT_FDCWD, &r->stats.restore);
	if (err)
		log_warn(r->ctx.log, "Can't write stats-restore: %s", strerror(-err));
}

static int wait_for_root(struct cr_ctx *ctx, pid_t root)
{
	int status;

	/* Who ignores SIGCHLD is not given the status, but told by ECHILD. */
	while (waitpid(root, &status, 0) < 0 && errno != ECHILD)
		if (errno != EINTR)
			return cr_fail_errno(ctx, -errno, "Can't wait for the root task");
	return 0;
}

/* The tasks run, whatever happens here. */
static int go_on(struct restore *r)
{
	int err;

	commit_tasks(r);
	lazy_go(r);
	sysv_restore_keep(r->sysv);
	fd_restore_remove_links(r->fds);
	err = resume_tasks(r);
	guardian_end(r);
	ghost_names_end(&r->pidfile);
	write_stats(r);
	if (err)
		log_warn(r->ctx.log, "%s", r->ctx.error->text);
	err = script_run(&r->ctx, r->opts, SCRIPT_POST_RESUME, r->images_dirfd, r->root_pid);
	if (err)
		log_warn(r->ctx.log, "The post-resume script failed");
	if (r->opts->exec_cmd) {
		if (setrlimit(RLIMIT_NOFILE, &r->own_nofile))
			log_warn(r->ctx.log, "Can't lower the limit of descriptors: %s", strerror(errno));
		execvp(r->opts->exec_cmd[0], r->opts->exec_cmd);
		return cr_fail_errno(&r->ctx, -errno, "Can't execute %s", r->opts->exec_cmd[0]);
	}
	return 0;
}

static void restore_free(struct restore *r)
{
	const struct cr_error *e = r->ctx.error;

	trace_free(r);
	cow_free(r);
	lazy_free(r);
	shmem_restore_free(&r->segments);
	sysv_restore_free(&r->sysv);
	restore_free_tree(r);
	fam_set_close(&r->fam);
	free(r->own_creds.groups);
	if (r->kernel)
		kernel_log(r->kernel, r->ctx.log);
	kernel_free(&r->kernel);
	close_fdp(&r->go_pipe[0]);
	close_fdp(&r->go_pipe[1]);
	close_fdp(&r->images_dirfd);
	if (!r->shared)
		return;
	if (e->code)
		cr_fail_at(r->top, e->code, e->file, e->line, "%s", e->text);
	munmap(r->shared, r->shared_len);
}

int cr_restore(struct cr_ctx *ctx, const struct cr_opts *opts)
{
	struct restore r = {
		.top = ctx,
		.ctx = *ctx,
		.opts = opts,
		.go_pipe = { -1, -1 },
		.pager = { -1, -1 },
		.started_us = now_us(),
	};
	int err;

	task_tree_init(&r.tree);
	r.images_dirfd = open(opts->images_dir ?: ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.images_dirfd < 0)
		return cr_fail_errno(ctx, -errno, "Can't open directory %s", opts->images_dir ?: ".");
	err = phases_run(&r.ctx, restore_phases, restore_nr_phases, &r, NULL);
	if (!err)
		err = go_on(&r);
	restore_free(&r);
	/* With nothing left that belongs to the set: it may take as long as the tasks live. */
	return err || opts->restore_detached ? err : wait_for_root(ctx, r.root_pid);
}
