/* SPDX-License-Identifier: GPL-2.0 */
/* The phases of a dump. Up to the last one everything can be undone; when all have run, the set is complete. */
#include "dump/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/script.h"
#include "dump/state.h"
#include "fam/pool.h"
#include "image/cpuinfo.h"
#include "image/stats.h"
#include "kernel/kernel.h"
#include "pager/ask.h"
#include "seize/supervisor.h"

/* Seconds for stopping the tree when --timeout doesn't say. */
#define DEFAULT_TIMEOUT 10

static int phase_prepare(void *arg)
{
	struct dump *d = arg;
	int r = script_run(d->ctx, d->opts, SCRIPT_PRE_DUMP, d->images_dirfd, d->opts->tree_pid);

	/* A page that is still missing would be no page. */
	return r ?: pager_finish(d->ctx, d->opts->tree_pid, d->opts->timeout ? d->opts->timeout : DEFAULT_TIMEOUT);
}

static int phase_pool(void *arg)
{
	return dump_fam_open(arg);
}

static int phase_freeze(void *arg)
{
	struct dump *d = arg;
	uint64_t begin = now_us();
	struct seize_args args = {
		.ctx = d->ctx,
		.root = d->opts->tree_pid,
		.timeout_s = d->opts->timeout ? d->opts->timeout : DEFAULT_TIMEOUT,
	};
	struct rlimit before;
	int r;

	/* Tasks, their files and their shared memory are held open. */
	r = fd_limit_raise(&before);
	if (r < 0)
		log_warn(d->ctx->log, "Can't raise the limit of descriptors: %s", strerror(-r));
	d->seized = true;
	d->frozen_at_us = begin;
	r = seize_tree(&args, &d->tree);
	d->stats.dump.freezing_time = now_us() - begin;
	return r;
}

static void free_states(struct dump *d)
{
	struct task *task;

	for_each_task (&d->tree, task) {
		struct dump_state *s = task->dump ? task->dump->state : NULL;

		if (!s)
			continue;
		vma_list_free(&s->vmas);
		free(s->threads);
		free(s->seccomp);
		posix_timers_free(&s->timers);
		free(s->policies);
		free(s->ldt);
		free(s->dispatch);
		free(s);
		task->dump->state = NULL;
	}
}

static void let_go(struct dump *d, enum seize_end end)
{
	struct task *task;

	if (!d->seized)
		return;
	for_each_task (&d->tree, task)
		dump_resume_dispatch(d, task);
	free_states(d);
	seize_release(d->ctx, &d->tree, end);
	d->seized = false;
}

static void undo_freeze(void *arg)
{
	let_go(arg, SEIZE_END_RUN);
}

static int phase_check(void *arg)
{
	int r = dump_kobj_ids(arg);

	return r < 0 ? r : dump_check_tasks(arg);
}

static int phase_invalidate(void *arg)
{
	int r = dump_forget_inventory(arg);

	return r ?: dump_fam_invalidate(arg);
}

static int phase_parasite(void *arg)
{
	return dump_ask_inside(arg);
}

static int phase_files(void *arg)
{
	return dump_files(arg);
}

static void undo_files(void *arg)
{
	struct dump *d = arg;

	if (d->fds)
		fd_dump_end(&d->fds, false);
	fd_links_end(d->ctx, &d->links, false);
}

static int phase_memory(void *arg)
{
	return dump_memory(arg);
}

static void undo_memory(void *arg)
{
	dump_fam_drop(arg);
	dump_memory_end(arg);
}

static int phase_cores(void *arg)
{
	struct dump *d = arg;
	int r = dump_cores(d);

	if (!r)
		r = dump_tree_images(d);
	if (!r && (d->opts->cpu_cap & CPU_CAP_IMAGE))
		r = cpuinfo_write(d->ctx, d->images_dirfd);
	if (!r) {
		d->links = fd_dump_take_links(d->fds);
		r = fd_dump_end(&d->fds, true);
	}
	return r;
}

static int phase_pages(void *arg)
{
	return dump_pages(arg);
}

/* The parasite goes before the set is complete: from then on a task may only run on untouched or be killed. */
static int phase_cure(void *arg)
{
	struct dump *d = arg;
	struct task *task;
	int r;

	for_each_task (&d->tree, task) {
		r = seize_cure(d->ctx, task);
		if (r < 0)
			return r;
	}
	return 0;
}

static int phase_sync(void *arg)
{
	struct dump *d = arg;
	int r = d->fam ? dump_write_inventory(d, FAM_INVENTORY_NEW) : 0;

	return r ?: dump_sync_images(d);
}

/* Of a pool: not before the checkpoint is there. */
static void undo_sync(void *arg)
{
	struct dump *d = arg;

	unlinkat(d->images_dirfd, FAM_INVENTORY_NEW, 0);
}

static int phase_commit(void *arg)
{
	struct dump *d = arg;
	int r;

	d->stats.dump.frozen_time = now_us() - d->frozen_at_us;
	log_info(d->ctx->log, "The tasks stand still for %llu us, %llu of them for their pages",
		 (unsigned long long)d->stats.dump.frozen_time, (unsigned long long)d->stats.dump.memwrite_time);
	r = stats_write_dump(AT_FDCWD, &d->stats.dump);
	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't write stats-dump");
	if (d->fam)
		return dump_fam_commit(d);
	d->committed = true;
	return dump_write_inventory(d, INVENTORY_NAME);
}

static void undo_commit(void *arg)
{
	struct dump *d = arg;

	if (d->committed)
		dump_forget_inventory(d);
	dump_fam_uncommit(d);
}

static int phase_post_dump(void *arg)
{
	struct dump *d = arg;
	int r = script_run(d->ctx, d->opts, SCRIPT_POST_DUMP, d->images_dirfd, d->opts->tree_pid);

	if (r > 0) {
		d->script_status = r;
		return cr_fail(d->ctx, -ECANCELED, "The post-dump script exited with status %d", r);
	}
	return r;
}

const struct phase dump_phases[] = {
	{ "prepare", phase_prepare, NULL },
	{ "pool", phase_pool, NULL },
	{ "freeze", phase_freeze, undo_freeze },
	{ "check", phase_check, NULL },
	{ "parasite", phase_parasite, NULL },
	{ "invalidate", phase_invalidate, NULL },
	{ "files", phase_files, undo_files },
	{ "memory", phase_memory, undo_memory },
	{ "cores", phase_cores, NULL },
	{ "pages", phase_pages, NULL },
	{ "cure", phase_cure, NULL },
	{ "sync", phase_sync, undo_sync },
	{ "commit", phase_commit, undo_commit },
	{ "post-dump", phase_post_dump, NULL },
};
const size_t dump_nr_phases = sizeof(dump_phases) / sizeof(dump_phases[0]);

static int cancelled(void *arg)
{
	struct dump *d = arg;

	return supervise_cancelled() ? cr_fail(d->ctx, -EINTR, "Cancelled") : 0;
}

/* The engine: a child of the process that was started, see seize/supervisor.h. */
static int dump_engine(void *arg)
{
	static const enum seize_end ends[] = {
		[FINAL_KILL] = SEIZE_END_KILL,
		[FINAL_RUN] = SEIZE_END_RUN,
		[FINAL_STOP] = SEIZE_END_STOP,
	};
	struct dump *d = arg;
	int r;

	task_tree_init(&d->tree);
	r = kernel_new(&d->kernel);
	if (r < 0)
		return r;
	r = phases_run(d->ctx, dump_phases, dump_nr_phases, d, cancelled);
	if (!r)
		let_go(d, ends[d->opts->final_state]);
	fd_links_end(d->ctx, &d->links, true);
	dump_memory_end(d);
	dump_fam_close(d);
	kernel_log(d->kernel, d->ctx->log);
	seccomp_set_free(&d->seccomp);
	kernel_free(&d->kernel);
	return d->script_status ? d->script_status : r;
}

int cr_dump(struct cr_ctx *ctx, const struct cr_opts *opts)
{
	struct dump d = {
		.ctx = ctx,
		.opts = opts,
		.images_dirfd = opts->images_dirfd,
	};

	return supervise(ctx, dump_engine, &d);
}
