/* SPDX-License-Identifier: GPL-2.0 */
/* Kinds of areas: from the kernel's description to the image format's. */
#include "mem/vma.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "mem/extra.h"
#include "mem/vma_internal.h"
#include "proc/parse.h"
#include "proc/values.h"

/* What the restorer takes beside the task's own areas: its region in four pieces, and areas that are split meanwhile.
 */
#define OWN_AREAS  8
#define MANY_AREAS 1000

#define AIO_RING_NAME "/[aio]"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

int vma_refuse(const struct vma_task *task, const struct proc_map *map, const char *kind)
{
	return cr_fail(task->ctx, -EOPNOTSUPP, "task %d (%s): area %lx-%lx%s%s: %s isn't supported", task->pid,
		       task->comm, (unsigned long)map->start, (unsigned long)map->end, *map->name ? " " : "", map->name,
		       kind);
}

/* Areas that the kernel names so, whatever their flags. */
static const struct special_area {
	const char *name;
	uint32_t status;
} special_areas[] = {
	{ "[vdso]", VMA_AREA_REGULAR | VMA_AREA_VDSO | VMA_ANON_PRIVATE },
	{ "[vvar]", VMA_AREA_REGULAR | VMA_AREA_VVAR | VMA_ANON_PRIVATE },
	{ "[vvar_vclock]", VMA_AREA_REGULAR | VMA_AREA_VVAR | VMA_ANON_PRIVATE },
	{ "[vsyscall]", VMA_AREA_VSYSCALL | VMA_ANON_PRIVATE },
	{ "[uprobes]", VMA_AREA_REGULAR | VMA_AREA_UPROBES | VMA_ANON_PRIVATE },
};

/* Flags that make an area something that can't be brought back (yet). */
static const struct refused_flag {
	uint64_t flag;
	const char *kind;
} refused_flags[] = {
	{ PROC_VM(SS), "a shadow stack" },
	{ PROC_VM(SF), "a DAX mapping with MAP_SYNC" },
	{ PROC_VM(UM) | PROC_VM(UW) | PROC_VM(UI), "memory with a userfaultfd" },
	{ PROC_VM(IO) | PROC_VM(PF) | PROC_VM(MM), "device memory" },
};

/* Files that don't stand in any file system, by their names. */
static const struct refused_file {
	const char *prefix;
	bool deleted; /* the kernel shows it as deleted, as it does each file of an internal mount */
	const char *kind;
} refused_files[] = {
	{ "/secretmem", true, "secret memory (memfd_secret)" },
	{ "/anon_inode:", false, "a mapping of an anonymous inode" },
	{ "anon_inode:", false, "a mapping of an anonymous inode" },
	{ "socket:", false, "a socket mapping" },
	{ "/dmabuf:", false, "a DMA buffer" },
};

static const struct {
	uint64_t vm_flag;
	int advice;
} advices[] = {
	{ PROC_VM(RR), MADV_RANDOM },	 { PROC_VM(SR), MADV_SEQUENTIAL }, { PROC_VM(DC), MADV_DONTFORK },
	{ PROC_VM(MG), MADV_MERGEABLE }, { PROC_VM(HG), MADV_HUGEPAGE },   { PROC_VM(NH), MADV_NOHUGEPAGE },
	{ PROC_VM(DD), MADV_DONTDUMP },	 { PROC_VM(WF), MADV_WIPEONFORK },
};

static const struct {
	uint64_t vm_flag;
	uint32_t extra;
} extras[] = {
	{ PROC_VM(LF), MM_EXTRA_ONFAULT },
	{ PROC_VM(SL), MM_EXTRA_SEALED },
	{ PROC_VM(DP), MM_EXTRA_DROPPABLE },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void set_flags(const struct proc_map *map, struct vma *v)
{
	v->flags = map->shared ? MAP_SHARED : MAP_PRIVATE;
	if (map->vm_flags & PROC_VM(GD))
		v->flags |= MAP_GROWSDOWN;
	if (map->vm_flags & PROC_VM(LO))
		v->flags |= MAP_LOCKED;
	if (map->vm_flags & PROC_VM(NR))
		v->flags |= MAP_NORESERVE;
	for (size_t i = 0; i < COUNT(advices); i++)
		if (map->vm_flags & advices[i].vm_flag)
			v->madv |= 1ull << advices[i].advice;
	for (size_t i = 0; i < COUNT(extras); i++)
		if (map->vm_flags & extras[i].vm_flag)
			v->extra |= extras[i].extra;
}

static int refuse_by_flags(const struct vma_task *task, const struct proc_map *map)
{
	for (size_t i = 0; i < COUNT(refused_flags); i++)
		if (map->vm_flags & refused_flags[i].flag)
			return vma_refuse(task, map, refused_flags[i].kind);
	/* The kernel itself gives execute-only memory a key. */
	if (map->pkey && map->prot != PROT_EXEC)
		return vma_refuse(task, map, "memory with a protection key");
	if (map->vm_flags & PROC_VM(OTHER))
		log_warn(task->ctx->log, "task %d: area %lx-%lx has a flag that is not known and not kept", task->pid,
			 (unsigned long)map->start, (unsigned long)map->end);
	return 0;
}

/* The ring of an AIO context: io_setup(2). Whether it is whole and has its context is seen in the task. */
static int classify_ring(const struct vma_task *task, const struct proc_map *map, struct vma *v)
{
	if (!map->shared || map->pgoff || map->prot != (PROT_READ | PROT_WRITE))
		return vma_refuse(task, map, "part of an AIO ring, or a protected one,");
	v->status = VMA_AREA_AIORING;
	v->file_flags = O_RDWR;
	return 0;
}

/* A System V segment's inode number is its id, and the first one of an IPC namespace has 0. */
static bool is_first_segment(const struct proc_map *map)
{
	return map->deleted && str_starts(map->name, SYSV_PREFIX);
}

int vma_classify(const struct vma_task *task, const struct proc_map *map, struct vma *v)
{
	int err;

	*v = (struct vma){
		.start = map->start,
		.end = map->end,
		.prot = map->prot,
		.nr_own = map->own_kib / 4,
		.dev = makedev(map->dev_major, map->dev_minor),
		.ino = map->ino,
		.file_fd = -1,
	};
	set_flags(map, v);
	if (map->name[0] == '[' && !map->ino) {
		for (size_t i = 0; i < COUNT(special_areas); i++) {
			if (strcmp(map->name, special_areas[i].name))
				continue;
			v->status = special_areas[i].status;
			v->flags = MAP_PRIVATE | MAP_ANONYMOUS;
			v->extra = 0; /* the kernel itself may have sealed it */
			return 0;
		}
	}
	err = refuse_by_flags(task, map);
	if (err)
		return err;
	if (map->ino || is_first_segment(map)) {
		for (size_t i = 0; i < COUNT(refused_files); i++)
			if (map->deleted == refused_files[i].deleted && str_starts(map->name, refused_files[i].prefix))
				return vma_refuse(task, map, refused_files[i].kind);
		if (map->deleted && !strcmp(map->name, AIO_RING_NAME))
			return classify_ring(task, map, v);
		v->pgoff = map->pgoff;
		v->status = VMA_AREA_REGULAR | (map->shared ? VMA_FILE_SHARED : VMA_FILE_PRIVATE);
		return 0;
	}
	if (map->shared)
		return vma_refuse(task, map, "a shared mapping without a file");
	/* Stacks and named memory ("[anon:...]") are ordinary memory; a name that isn't in brackets is a driver's. */
	if (*map->name && map->name[0] != '[')
		return vma_refuse(task, map, "a mapping without an inode");
	v->flags |= MAP_ANONYMOUS;
	v->status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE;
	if (!strcmp(map->name, "[heap]"))
		v->status |= VMA_AREA_HEAP;
	return 0;
}

/* Newer kernels show the vvar pages as two areas; images have one. */
static bool continues_vvar(const struct vma *before, const struct vma *v)
{
	return (before->status & VMA_AREA_VVAR) && (v->status & VMA_AREA_VVAR) && before->end == v->start &&
	       before->prot == v->prot;
}

/* Names that prctl(PR_SET_VMA_ANON_NAME) has given tell people what an area is for, nothing else. */
static void warn_of_names(const struct vma_task *task, const struct proc_map_list *maps)
{
	for (size_t i = 0; i < maps->nr; i++) {
		if (!str_starts(maps->v[i].name, "[anon:") && !str_starts(maps->v[i].name, "[anon_shmem:"))
			continue;
		log_warn(task->ctx->log, "task %d (%s): names of memory (%s) won't be restored", task->pid, task->comm,
			 maps->v[i].name);
		return;
	}
}

int vma_check_count(struct cr_ctx *ctx, pid_t pid, size_t nr)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	long max;

	/* Nobody sets it that low. */
	if (nr < MANY_AREAS || proc_read_text(AT_FDCWD, "/proc/sys/vm/max_map_count", 64, &text, &len) < 0)
		return 0;
	max = atol(text);
	if (max <= 0 || nr + OWN_AREAS <= (size_t)max)
		return 0;
	return cr_fail(ctx, -E2BIG,
		       "Task %d has %zu areas of memory: with vm.max_map_count %ld there is no room to restore them",
		       pid, nr, max);
}

static int collect(const struct vma_task *task, struct vma_list *list)
{
	_cleanup_proc_map_list_ struct proc_map_list maps = {};
	_cleanup_free_ const struct proc_map **lines = NULL;
	int err = proc_read_smaps(task->procfd, &maps);

	if (err)
		return cr_fail_errno(task->ctx, err, "task %d (%s): can't read the areas of its memory", task->pid,
				     task->comm);
	err = vma_check_count(task->ctx, task->pid, maps.nr);
	if (err)
		return err;
	warn_of_names(task, &maps);
	list->v = calloc(maps.nr + 1, sizeof(*list->v));
	lines = calloc(maps.nr + 1, sizeof(*lines));
	if (!list->v || !lines)
		return cr_fail_errno(task->ctx, -ENOMEM, "task %d: %zu areas", task->pid, maps.nr);
	for (size_t i = 0; i < maps.nr; i++) {
		struct vma *v = &list->v[list->nr];

		err = vma_classify(task, &maps.v[i], v);
		if (err)
			return err;
		if (list->nr && continues_vvar(v - 1, v)) {
			v[-1].end = v->end;
			continue;
		}
		lines[list->nr++] = &maps.v[i];
	}
	return vma_open_files(task, lines, list);
}

int vma_collect(struct cr_ctx *ctx, pid_t pid, int procfd, struct vma_list *ret)
{
	_cleanup_vma_list_ struct vma_list list = {};
	char comm[PROC_COMM_MAX] = "?";
	struct vma_task task = { ctx, pid, procfd, comm };
	int err;

	proc_read_comm(procfd, comm);
	err = collect(&task, &list);
	if (err)
		return err;
	*ret = list;
	list = (struct vma_list){};
	return 0;
}

void vma_list_free(struct vma_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		free(list->v[i].name);
	for (size_t i = 0; i < list->nr_fds; i++)
		close(list->fds[i]);
	free(list->fds);
	free(list->v);
	*list = (struct vma_list){};
}

const struct vma *vma_find(const struct vma_list *list, uint64_t addr)
{
	size_t low = 0, high = list->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (list->v[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < list->nr && list->v[low].start <= addr ? &list->v[low] : NULL;
}
