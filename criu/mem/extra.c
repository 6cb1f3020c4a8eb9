/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/extra.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/image.h"

static int write_entry(struct mm_extra_dump *dump, int images_dirfd, const MmExtraEntry *e)
{
	int r = 0;

	if (!dump->img)
		r = image_create(images_dirfd, IMG_MM_EXTRA, &dump->img);
	return r ? r : image_write(dump->img, &e->base);
}

int mm_extra_add(struct cr_ctx *ctx, struct mm_extra_dump *dump, int images_dirfd, pid_t pid,
		 const struct vma_list *vmas, uint32_t locks)
{
	_cleanup_free_ AreaExtra **pointers = NULL;
	_cleanup_free_ AreaExtra *areas = NULL;
	MmExtraEntry e = MM_EXTRA_ENTRY__INIT;
	size_t nr = 0;
	int r;

	for (size_t i = 0; i < vmas->nr; i++)
		nr += !!vmas->v[i].extra;
	if (!nr && !locks)
		return 0;
	areas = calloc(nr + 1, sizeof(*areas));
	pointers = calloc(nr + 1, sizeof(*pointers));
	if (!areas || !pointers)
		return -ENOMEM;
	for (size_t i = 0; i < vmas->nr; i++) {
		const struct vma *v = &vmas->v[i];
		AreaExtra *area = &areas[e.n_areas];

		if (!v->extra)
			continue;
		area_extra__init(area);
		area->start = v->start;
		area->end = v->end;
		area->flags = v->extra;
		pointers[e.n_areas++] = area;
	}
	e.pid = pid;
	e.has_locks = !!locks;
	e.locks = locks;
	e.areas = pointers;
	r = write_entry(dump, images_dirfd, &e);
	return r < 0 ? cr_fail_errno(ctx, r, "Can't write mm-extra.img") : 0;
}

int mm_extra_end(struct cr_ctx *ctx, struct mm_extra_dump *dump, int images_dirfd)
{
	char name[32];
	int r;

	if (dump->img) {
		r = image_close(&dump->img);
		return r < 0 ? cr_fail_errno(ctx, r, "Can't write mm-extra.img") : 0;
	}
	image_name(IMG_MM_EXTRA, name, sizeof(name));
	if (unlinkat(images_dirfd, name, 0) < 0 && errno != ENOENT)
		return cr_fail_errno(ctx, -errno, "Can't remove an old %s", name);
	return 0;
}

void mm_extra_cancel(struct mm_extra_dump *dump)
{
	if (dump->img)
		image_close(&dump->img);
}

int mm_extra_read(struct cr_ctx *ctx, int images_dirfd, int (*take)(void *arg, MmExtraEntry *e), void *arg)
{
	_cleanup_image_ struct image *img = NULL;
	ProtobufCMessage *msg;
	int r = image_open(images_dirfd, IMG_MM_EXTRA, &img), got = 0;

	if (r == -ENOENT)
		return 0;
	while (!r && (got = image_read(img, &msg)) > 0)
		r = take(arg, (MmExtraEntry *)msg);
	if (!r)
		r = got;
	return r < 0 ? cr_fail_errno(ctx, r, "Can't read mm-extra.img") : 0;
}

static bool fits(const AreaExtra *a, const VmaEntry *v)
{
	if (!a->flags || a->flags & ~MM_EXTRA_KNOWN)
		return false;
	if (v->status & (VMA_AREA_VDSO | VMA_AREA_VVAR | VMA_AREA_VSYSCALL | VMA_AREA_GUARD | VMA_AREA_UPROBES))
		return false;
	if (a->flags & MM_EXTRA_ONFAULT && !(v->flags & MAP_LOCKED))
		return false;
	return !(a->flags & MM_EXTRA_DROPPABLE) || v->status & VMA_ANON_PRIVATE;
}

int mm_extra_validate(struct cr_ctx *ctx, const MmExtraEntry *e, const MmEntry *mm)
{
	size_t at = 0;

	if (e->has_locks && e->locks != MCL_FUTURE && e->locks != (MCL_FUTURE | MCL_ONFAULT))
		return cr_fail(ctx, -EBADMSG, "mm-extra.img: task %u: locks %#x", e->pid, e->locks);
	for (size_t i = 0; i < e->n_areas; i++) {
		const AreaExtra *a = e->areas[i];

		while (at < mm->n_vmas && mm->vmas[at]->start < a->start)
			at++;
		if (at == mm->n_vmas || mm->vmas[at]->start != a->start || mm->vmas[at]->end != a->end ||
		    !fits(a, mm->vmas[at]))
			return cr_fail(ctx, -EBADMSG, "mm-extra.img: task %u: area %lx-%lx with flags %#x", e->pid,
				       (unsigned long)a->start, (unsigned long)a->end, a->flags);
		at++;
	}
	return 0;
}
