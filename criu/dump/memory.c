/* SPDX-License-Identifier: GPL-2.0 */
/* mm, pagemap and pages images of every memory, named by the first task that has it, and of the segments they share. */
#include <errno.h>

#include "base/io.h"
#include "dump/aio.h"
#include "dump/inject.h"
#include "dump/state.h"
#include "image/image.h"
#include "kernel/kernel.h"
#include "mem/extra.h"
#include "mem/mm.h"
#include "mem/pagemap.h"
#include "mem/scan.h"
#include "mem/shmem.h"
#include "mem/sysv.h"
#include "pages/pump.h"
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

static int cancelled(void *arg)
{
	return supervise_cancelled();
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

static void count_pages(struct dump *d, const struct scan_stats *scanned, const struct pages_dump_result *stored)
{
	struct cr_dump_stats *st = &d->stats.dump;

	st->pages_scanned += scanned->nr_scanned;
	st->pages_written += stored->nr_pages;
	st->memwrite_time += stored->copy_us + stored->sync_us;
}

static int dump_task_memory(struct dump *d, struct task *task)
{
	struct inject inject = { d->ctx, task };
	struct page_run_list runs = { 0 }, guards = { 0 };
	struct scan_stats scanned = { 0 };
	struct pages_dump_result stored = { 0 };
	struct scan_args scan = {
		.ctx = d->ctx,
		.pid = task->pid,
		.procfd = task->dump->procfd,
		.vmas = &state_of(task)->vmas,
		.use_pagemap_scan = kernel_has(d->kernel, KERNEL_PAGEMAP_SCAN),
		.tell_guards = kernel_has(d->kernel, KERNEL_PAGEMAP_SCAN_GUARD_PAGES),
		.guards = &guards,
	};
	struct pages_dump_args args = {
		.ctx = d->ctx,
		.images_dirfd = d->images_dirfd,
		.pages_id = d->next_pages_id,
		.runs = &runs,
		.mode = d->opts->page_mode,
		.capture = d->opts->capture,
		.pid = task->pid,
		.procfd = task->dump->procfd,
		.inject = &inject_ops,
		.inject_arg = &inject,
		.cancelled = cancelled,
	};
	int r;

	r = scan_task(&scan, &runs, &scanned);
	if (!r)
		r = dump_mm(d, task, &guards);
	if (!r)
		r = pagemap_write(d->ctx, d->images_dirfd, IMG_PAGEMAP, task->pid, d->next_pages_id, &runs);
	if (!r)
		r = pages_dump(&args, &stored);
	if (!r) {
		d->next_pages_id++;
		count_pages(d, &scanned, &stored);
		log_info(d->ctx->log,
			 "Task %d: %lu of %lu pages stored (%s to %s, %u threads): scan %lu, open %lu, copy %lu, sync "
			 "%lu us",
			 task->pid, stored.nr_pages, scanned.nr_scanned, stored.capture, stored.sink, stored.nr_threads,
			 scanned.us, stored.open_us, stored.copy_us, stored.sync_us);
	}
	if (!r)
		r = dump_check_rings_again(d, task);
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
static int dump_segments(struct dump *d)
{
	struct shmem_dump_stats stored = { 0 };
	struct shmem_dump_args args = {
		.images_dirfd = d->images_dirfd,
		.mode = d->opts->page_mode,
		.next_pages_id = &d->next_pages_id,
		.cancelled = cancelled,
	};
	TaskKobjIdsEntry ids = TASK_KOBJ_IDS_ENTRY__INIT;
	int r;

	dump_fill_namespace_ids(&ids);
	r = sysv_dump(d->ctx, d->images_dirfd, ids.ipc_ns_id, d->shmem);
	if (!r)
		r = fd_dump_memfds(d->fds, store_memfd, d);
	if (!r)
		r = shmem_dump_all(d->shmem, &args, &stored);
	d->stats.dump.shpages_scanned = d->stats.dump.shpages_written = stored.nr_pages;
	d->stats.dump.memwrite_time += stored.copy_us + stored.sync_us;
	return r;
}

static int dump_tasks_and_segments(struct dump *d)
{
	struct mm_extra_dump extra = { 0 };
	struct task *task;
	int r = find_segments(d);

	for_each_task (&d->tree, task) {
		if (r || task->state == TASK_DEAD || !owns(task, SHARE_VM))
			continue;
		r = dump_task_memory(d, task);
		if (!r)
			r = mm_extra_add(d->ctx, &extra, d->images_dirfd, task->pid, &state_of(task)->vmas,
					 state_of(task)->locks);
	}
	if (!r)
		r = mm_extra_end(d->ctx, &extra, d->images_dirfd);
	mm_extra_cancel(&extra);
	return r ?: dump_segments(d);
}

int dump_memory(struct dump *d)
{
	uint64_t begin = now_us();
	int r;

	d->next_pages_id = 1;
	r = dump_tasks_and_segments(d);
	shmem_dump_end(&d->shmem);
	d->stats.dump.memdump_time = now_us() - begin;
	return r;
}
