/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mm, pagemap and pages images of every memory, named by the first task that has it, and of the segments they share.
 * First what there is; the pages come last of all, since that is what takes time.
 */
#include <errno.h>

#include "base/io.h"
#include "dump/aio.h"
#include "dump/state.h"
#include "image/image.h"
#include "kernel/kernel.h"
#include "mem/extra.h"
#include "mem/mm.h"
#include "mem/scan.h"
#include "mem/shmem.h"
#include "mem/sysv.h"
#include "seize/supervisor.h"

/* What mm_dump()'s callback needs. */
struct mapped_files {
	struct dump *d;
	struct task *task;
};

static int mapped_file_id(void *arg, const struct vma *vma, uint32_t *ret)
{
	const struct mapped_files *m = arg;
	struct dump_fd_task ft;

	dump_fd_task_init(m->d, m->task, &ft);
	/* A memfd's entry is one for all its mappings: their fdflags tell which may write. */
	return fd_dump_path(m->d->fds, &ft.fd, vma->file_fd, vma->status & VMA_AREA_MEMFD ? 0 : vma->file_flags, ret);
}

static int dump_mm(struct dump *d, struct task *task, const struct page_run_list *guards)
{
	struct dump_state *s = state_of(task);
	struct mapped_files files = { d, task };
	struct mm_dump_args args = {
		.images_dirfd = d->images_dirfd,
		.pid = task->pid,
		.procfd = task->dump->procfd,
		.vmas = &s->vmas,
		.guards = guards,
		.brk = s->inside.brk,
		.exe_file_id = s->exe_id,
		.dumpable = s->inside.dumpable,
		.thp_disabled = s->inside.thp_disabled,
		.file_id = mapped_file_id,
		.arg = &files,
	};

	return mm_dump(d->ctx, &args);
}

static int add_task(struct dump *d, struct task *task, struct page_run_list *runs)
{
	struct dump_state *s = state_of(task);
	struct store_item item = {
		.kind = IMG_PAGEMAP,
		.id = task->pid,
		.runs = *runs,
		.vmas = &s->vmas,
		.pid = task->pid,
		.procfd = task->dump->procfd,
		.inject = &inject_ops,
		.inject_arg = &s->inject,
		.may_inject = d->opts->final_state == FINAL_KILL && inject_is_harmless(task),
	};
	int r;

	s->inject = (struct inject){ d->ctx, task };
	r = store_list_add(&d->store, &item);
	if (!r)
		*runs = (struct page_run_list){ 0 };
	return r;
}

static int scan_memory(struct dump *d, struct task *task)
{
	struct page_run_list runs = { 0 }, guards = { 0 };
	struct scan_stats scanned = { 0 };
	struct scan_args scan = {
		.ctx = d->ctx,
		.pid = task->pid,
		.procfd = task->dump->procfd,
		.vmas = &state_of(task)->vmas,
		.use_pagemap_scan = kernel_has(d->kernel, KERNEL_PAGEMAP_SCAN),
		.tell_guards = kernel_has(d->kernel, KERNEL_PAGEMAP_SCAN_GUARD_PAGES),
		.guards = &guards,
	};
	int r;

	r = scan_task(&scan, &runs, &scanned);
	if (!r)
		r = dump_mm(d, task, &guards);
	if (!r)
		r = add_task(d, task, &runs);
	d->stats.dump.pages_scanned += scanned.nr_scanned;
	log_info(d->ctx->log, "Task %d: %lu of %lu pages to be stored: scan %lu us", task->pid, scanned.nr_stored,
		 scanned.nr_scanned, scanned.us);
	page_run_list_free(&runs);
	page_run_list_free(&guards);
	return r;
}

/* The shared memory of all tasks has to be known before areas that refer to it are written. */
static int find_segments(struct dump *d)
{
	struct task *task;
	int r = shmem_dump_begin(d->ctx, &d->shmem);

	for_each_task (&d->tree, task)
		if (!r && task->state != TASK_DEAD && owns(task, SHARE_VM))
			r = shmem_dump_add_sysv(d->shmem, &state_of(task)->vmas);
	for_each_task (&d->tree, task)
		if (!r && task->state != TASK_DEAD && owns(task, SHARE_VM))
			r = shmem_dump_add(d->shmem, &state_of(task)->vmas);
	return r;
}

static int store_memfd(void *arg, int fd, uint64_t *ret_shmid)
{
	struct dump *d = arg;

	return shmem_dump_add_file(d->shmem, fd, ret_shmid);
}

/* Segments of shared anonymous memory and memfds, each once. */
static int scan_segments(struct dump *d)
{
	TaskKobjIdsEntry ids = TASK_KOBJ_IDS_ENTRY__INIT;
	size_t nr_tasks = d->store.nr;
	int r;

	dump_fill_namespace_ids(&ids);
	r = sysv_dump(d->ctx, d->images_dirfd, ids.ipc_ns_id, d->shmem);
	if (!r)
		r = fd_dump_memfds(d->fds, store_memfd, d);
	if (!r)
		r = shmem_dump_scan(d->shmem, &d->store);
	for (size_t i = nr_tasks; i < d->store.nr; i++)
		d->stats.dump.shpages_scanned += d->store.v[i].runs.nr_present;
	return r;
}

static int scan_all(struct dump *d)
{
	struct mm_extra_dump extra = { 0 };
	struct task *task;
	int r = find_segments(d);

	for_each_task (&d->tree, task) {
		if (r || task->state == TASK_DEAD || !owns(task, SHARE_VM))
			continue;
		r = scan_memory(d, task);
		if (!r)
			r = mm_extra_add(d->ctx, &extra, d->images_dirfd, task->pid, &state_of(task)->vmas,
					 state_of(task)->locks);
	}
	if (!r)
		r = mm_extra_end(d->ctx, &extra, d->images_dirfd);
	mm_extra_cancel(&extra);
	if (!r)
		r = scan_segments(d);
	return r ?: dump_fam_create(d);
}

int dump_memory(struct dump *d)
{
	uint64_t begin = now_us();
	int r = scan_all(d);

	d->stats.dump.memdump_time += now_us() - begin;
	return r;
}

static int cancelled(void *arg)
{
	return supervise_cancelled();
}

int dump_pages(struct dump *d)
{
	struct store_args args = {
		.ctx = d->ctx,
		.images_dirfd = d->images_dirfd,
		.mode = d->opts->page_mode,
		.capture = d->opts->capture,
		.cancelled = cancelled,
	};
	struct cr_dump_stats *st = &d->stats.dump;
	struct store_stats stored = { 0 };
	uint64_t begin = now_us();
	struct task *task;
	int r = d->fam ? dump_fam_store(d, &stored) : store_in_files(&d->store, &args, &stored);

	for_each_task (&d->tree, task)
		if (!r && task->state != TASK_DEAD && owns(task, SHARE_VM))
			r = dump_check_rings_again(d, task);
	st->pages_written = stored.nr_pages - stored.nr_shared_pages;
	st->shpages_written = stored.nr_shared_pages;
	st->memwrite_time = stored.copy_us + stored.sync_us;
	st->memdump_time += now_us() - begin;
	return r;
}

void dump_memory_end(struct dump *d)
{
	store_list_free(&d->store);
	shmem_dump_end(&d->shmem);
}
