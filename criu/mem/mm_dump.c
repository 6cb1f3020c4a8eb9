/* SPDX-License-Identifier: GPL-2.0 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "image/image.h"
#include "mem/mm.h"
#include "proc/auxv.h"
#include "proc/stat.h"

/* Areas of one file share their descriptor, so an id is asked for once per descriptor. */
static int set_file_ids(struct cr_ctx *ctx, const struct mm_dump_args *args)
{
	_cleanup_free_ uint32_t *ids = NULL;
	size_t nr_ids = 0;

	for (size_t i = 0; i < args->vmas->nr_fds; i++)
		if ((size_t)args->vmas->fds[i] >= nr_ids)
			nr_ids = args->vmas->fds[i] + 1;
	ids = calloc(nr_ids + 1, sizeof(*ids));
	if (!ids)
		return cr_fail_errno(ctx, -ENOMEM, "task %d: ids of mapped files", args->pid);
	for (size_t i = 0; i < args->vmas->nr; i++) {
		struct vma *v = &args->vmas->v[i];
		int err;

		if (!(v->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED)))
			continue;
		cr_assert(v->file_fd >= 0 && (size_t)v->file_fd < nr_ids);
		if (!ids[v->file_fd]) {
			err = args->file_id(args->arg, v, &ids[v->file_fd]);
			if (err)
				return err;
			cr_assert(ids[v->file_fd]);
		}
		v->file_id = ids[v->file_fd];
	}
	return 0;
}

static void fill_area(const struct vma *v, VmaEntry *e)
{
	vma_entry__init(e);
	e->start = v->start;
	e->end = v->end;
	e->pgoff = v->pgoff;
	e->prot = v->prot;
	e->flags = v->flags;
	e->status = v->status;
	e->fd = -1;
	e->has_madv = !!v->madv;
	e->madv = v->madv;
	if (v->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED)) {
		e->shmid = v->file_id;
		e->has_fdflags = true;
		e->fdflags = v->file_flags;
	} else if (v->status & VMA_ANON_SHARED) {
		e->shmid = v->shmid;
		e->has_fdflags = true;
		e->fdflags = v->file_flags;
	} else if (v->status & VMA_AREA_AIORING) {
		e->has_fdflags = true;
		e->fdflags = v->file_flags;
	}
}

/* *RINGS and *POINTERS are freed by the caller in any case. */
static int fill_rings(const struct vma_list *vmas, AioRingEntry **rings, AioRingEntry ***pointers, MmEntry *mm)
{
	for (size_t i = 0; i < vmas->nr; i++)
		mm->n_aios += !!(vmas->v[i].status & VMA_AREA_AIORING);
	if (!mm->n_aios)
		return 0;
	mm->aios = *pointers = calloc(mm->n_aios, sizeof(**pointers));
	*rings = calloc(mm->n_aios, sizeof(**rings));
	if (!*rings || !*pointers)
		return -ENOMEM;
	for (size_t i = 0, n = 0; i < vmas->nr; i++) {
		const struct vma *v = &vmas->v[i];
		AioRingEntry *ring = &(*rings)[n];

		if (!(v->status & VMA_AREA_AIORING))
			continue;
		aio_ring_entry__init(ring);
		ring->id = v->start;
		ring->ring_len = v->end - v->start;
		ring->nr_req = AIO_RING_REQUESTS(ring->ring_len);
		mm->aios[n++] = ring;
	}
	return 0;
}

/* Guard regions stand behind all areas. */
static void fill_guard(const struct page_run *guard, VmaEntry *e)
{
	vma_entry__init(e);
	e->start = guard->vaddr;
	e->end = guard->vaddr + (guard->nr_pages << RUN_PAGE_SHIFT);
	e->status = VMA_AREA_GUARD;
	e->fd = -1;
}

static void fill_bounds(const struct proc_stat *st, const struct mm_dump_args *args, MmEntry *mm)
{
	mm->mm_start_code = st->start_code;
	mm->mm_end_code = st->end_code;
	mm->mm_start_data = st->start_data;
	mm->mm_end_data = st->end_data;
	mm->mm_start_stack = st->start_stack;
	mm->mm_start_brk = st->start_brk;
	mm->mm_brk = args->brk;
	mm->mm_arg_start = st->arg_start;
	mm->mm_arg_end = st->arg_end;
	mm->mm_env_start = st->env_start;
	mm->mm_env_end = st->env_end;
	mm->exe_file_id = args->exe_file_id;
	mm->has_dumpable = true;
	mm->dumpable = args->dumpable;
	mm->has_thp_disabled = true;
	mm->thp_disabled = args->thp_disabled;
}

int mm_dump(struct cr_ctx *ctx, const struct mm_dump_args *args)
{
	_cleanup_free_ VmaEntry *areas = NULL;
	_cleanup_free_ VmaEntry **pointers = NULL;
	_cleanup_free_ AioRingEntry *rings = NULL;
	_cleanup_free_ AioRingEntry **ring_pointers = NULL;
	const size_t nr = args->vmas->nr + args->guards->nr;
	MmEntry mm = MM_ENTRY__INIT;
	struct proc_auxv auxv;
	struct proc_stat st;
	int err;

	err = proc_read_stat(args->procfd, &st);
	if (err)
		return cr_fail_errno(ctx, err, "task %d: can't read /proc/%d/stat", args->pid, args->pid);
	err = proc_read_auxv(args->procfd, &auxv);
	if (err)
		return cr_fail_errno(ctx, err, "task %d: can't read /proc/%d/auxv", args->pid, args->pid);
	err = set_file_ids(ctx, args);
	if (err)
		return err;
	areas = calloc(nr + 1, sizeof(*areas));
	pointers = calloc(nr + 1, sizeof(*pointers));
	if (!areas || !pointers)
		return cr_fail_errno(ctx, -ENOMEM, "task %d: %zu areas", args->pid, nr);
	for (size_t i = 0; i < nr; i++) {
		if (i < args->vmas->nr)
			fill_area(&args->vmas->v[i], &areas[i]);
		else
			fill_guard(&args->guards->v[i - args->vmas->nr], &areas[i]);
		pointers[i] = &areas[i];
	}
	err = fill_rings(args->vmas, &rings, &ring_pointers, &mm);
	if (err)
		return cr_fail_errno(ctx, err, "task %d: AIO rings", args->pid);
	fill_bounds(&st, args, &mm);
	/* The end mark goes without saying; with it the vector would be longer than some readers take. */
	while (auxv.nr > 2 && auxv.v[auxv.nr - 2] == AT_NULL)
		auxv.nr -= 2;
	mm.n_mm_saved_auxv = auxv.nr;
	mm.mm_saved_auxv = auxv.v;
	mm.n_vmas = nr;
	mm.vmas = pointers;
	/* What restore would refuse is better refused now. */
	err = mm_validate(ctx, args->pid, &mm);
	if (err)
		return err;
	err = image_write_single(args->images_dirfd, IMG_MM, &mm.base, (unsigned long)args->pid);
	return err ? cr_fail_errno(ctx, err, "Can't write mm-%d.img", args->pid) : 0;
}
