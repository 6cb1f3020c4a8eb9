/* SPDX-License-Identifier: GPL-2.0 */
/* The files behind areas, each opened once through /proc/PID/map_files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/str.h"
#include "mem/hugetlb.h"
#include "mem/memfd.h"
#include "mem/vma_internal.h"

/* What the kernel calls the file behind anonymous memory that is shared, and behind a shared mapping of /dev/zero. */
#define SHARED_ANON_NAME "/dev/zero"
#define HUGE_ANON_NAME	 "/anon_hugepage"
#define MEM_MAJOR	 1
#define ZERO_MINOR	 5
#define NULL_MINOR	 3

/* A distinct file: the first area of each is its descriptor's. */
struct slot {
	const struct proc_map *map;
	const struct vma *vma;
};

struct file_table {
	struct slot *slots; /* open addressing, a power of two in size, never more than half full */
	size_t size;
};

/*
 * A mapping that is shared and may become writable maps a file that was opened for writing; for any other,
 * reading is all that mmap(2) asks for, so that is how it is brought back, wherever the file then stands.
 */
static uint32_t file_access(const struct proc_map *map)
{
	return map->shared && (map->vm_flags & PROC_VM(MW)) ? O_RDWR : O_RDONLY;
}

static bool same_file(const struct proc_map *a, const struct proc_map *b)
{
	/* Some file systems give one inode number to several files, of different names then. */
	return a->ino == b->ino && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
	       a->deleted == b->deleted && file_access(a) == file_access(b) &&
	       (a->name == b->name || !strcmp(a->name, b->name));
}

static struct slot *find_slot(const struct file_table *table, const struct proc_map *map)
{
	uint64_t hash = (map->ino ^ (uint64_t)map->dev_minor << 40 ^ file_access(map)) * 0x9e3779b97f4a7c15ull;

	for (size_t i = hash >> 32;; i++) {
		struct slot *slot = &table->slots[i & (table->size - 1)];

		if (!slot->map || same_file(slot->map, map))
			return slot;
	}
}

static int table_init(struct file_table *table, size_t nr_files)
{
	table->size = 64;
	while (table->size < nr_files * 2)
		table->size *= 2;
	table->slots = calloc(table->size, sizeof(*table->slots));
	return table->slots ? 0 : -ENOMEM;
}

/* Is MAP, whose file ST is, of memory that has no place in a file system but is shared? Gives its kind. */
static int classify_memory(const struct vma_task *task, const struct proc_map *map, const struct stat *st,
			   struct vma *v)
{
	bool anon = map->deleted && !strcmp(map->name, SHARED_ANON_NAME);
	bool sysv = map->deleted && str_starts(map->name, SYSV_PREFIX) && memory_is_internal(st, NULL);

	/* prctl(PR_SET_VMA_ANON_NAME) gives shared anonymous memory another name. */
	anon |= str_starts(map->name, "[anon_shmem:");
	if (map->vm_flags & PROC_VM(HT)) {
		v->flags |= MAP_HUGETLB | hugetlb_size_bits(st->st_blksize);
		anon |= map->deleted && !strcmp(map->name, HUGE_ANON_NAME) && memory_is_internal(st, NULL);
		if (anon && !map->shared) {
			v->status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE;
			v->flags |= MAP_ANONYMOUS;
			v->pgoff = 0;
			return 0;
		}
	}
	if (!anon && !sysv) {
		if (map->deleted && memfd_is(map->name, st, NULL))
			v->status |= VMA_AREA_MEMFD;
		return 0;
	}
	if (!map->shared)
		return vma_refuse(task, map, "a private mapping of shared anonymous memory");
	v->status = VMA_AREA_REGULAR | VMA_ANON_SHARED | (sysv ? VMA_AREA_SYSVIPC : 0);
	v->flags |= MAP_ANONYMOUS;
	v->shmid = map->ino; /* of System V segments that is their id */
	return 0;
}

static int open_map_file(const struct vma_task *task, const struct proc_map *map, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "map_files/%lx-%lx", (unsigned long)map->start, (unsigned long)map->end);
	fd = openat(task->procfd, path, flags | O_CLOEXEC);
	return fd < 0 ? cr_fail_errno(task->ctx, -errno, "task %d (%s): can't open the file of area %lx-%lx %s",
				      task->pid, task->comm, (unsigned long)map->start, (unsigned long)map->end,
				      map->name)
		      : fd;
}

/* Opens the file and decides by it what the area is: V gets everything but a copy of the name. */
static int open_file(const struct vma_task *task, const struct proc_map *map, struct vma *v, int *ret_fd)
{
	_cleanup_close_ int fd = open_map_file(task, map, O_PATH);
	struct stat st;
	int err;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return cr_fail_errno(task->ctx, -errno, "task %d (%s): can't look at %s", task->pid, task->comm,
				     map->name);
	if (S_ISCHR(st.st_mode)) {
		if (st.st_rdev != makedev(MEM_MAJOR, ZERO_MINOR) && st.st_rdev != makedev(MEM_MAJOR, NULL_MINOR))
			return vma_refuse(task, map, "a mapping of a character device");
	} else if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		return vma_refuse(task, map, "a mapping of something that is no regular file");
	} else {
		err = classify_memory(task, map, &st, v);
		if (err)
			return err;
	}
	if (v->status & VMA_ANON_SHARED) {
		close_fdp(&fd);
		fd = open_map_file(task, map, O_RDONLY);
		if (fd < 0)
			return fd;
	}
	v->file_flags = file_access(map);
	*ret_fd = take_fd(fd);
	return 0;
}

/* The area's file is one that another area of the list has, too. */
static void share_file(const struct vma *first, struct vma *v)
{
	v->file_fd = first->file_fd;
	v->file_flags = first->file_flags;
	v->shmid = first->shmid;
	v->flags |= first->flags & (MAP_HUGETLB | HUGETLB_SIZE_MASK);
	if (first->status & (VMA_ANON_SHARED | VMA_ANON_PRIVATE)) {
		v->status = first->status;
		v->flags |= MAP_ANONYMOUS;
	}
	if (first->status & VMA_ANON_PRIVATE)
		v->pgoff = 0;
	v->status |= first->status & VMA_AREA_MEMFD;
}

static int add_file(const struct vma_task *task, struct file_table *table, const struct proc_map *map, struct vma *v,
		    struct vma_list *list)
{
	struct slot *slot = find_slot(table, map);
	int err;

	if (slot->map) {
		if (slot->vma->status & (VMA_ANON_SHARED | VMA_ANON_PRIVATE) && !slot->map->shared != !map->shared)
			return vma_refuse(task, map, "a private mapping of shared anonymous memory");
		share_file(slot->vma, v);
	} else {
		err = open_file(task, map, v, &v->file_fd);
		if (err)
			return err;
		list->fds[list->nr_fds++] = v->file_fd;
		*slot = (struct slot){ map, v };
	}
	if (v->status & (VMA_ANON_SHARED | VMA_ANON_PRIVATE))
		return 0;
	v->name = strdup(map->name);
	return v->name ? 0 : cr_fail_errno(task->ctx, -ENOMEM, "task %d: a file's name", task->pid);
}

int vma_open_files(const struct vma_task *task, const struct proc_map *const *maps, struct vma_list *list)
{
	struct file_table table = {};
	_cleanup_free_ struct slot *slots = NULL;
	size_t nr_files = 0;
	int err;

	for (size_t i = 0; i < list->nr; i++)
		nr_files += !!(list->v[i].status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED));
	if (!nr_files)
		return 0;
	err = table_init(&table, nr_files);
	slots = table.slots;
	list->fds = calloc(nr_files, sizeof(*list->fds));
	if (err || !list->fds)
		return cr_fail_errno(task->ctx, -ENOMEM, "task %d: %zu mapped files", task->pid, nr_files);
	for (size_t i = 0; i < list->nr; i++) {
		struct vma *v = &list->v[i];

		if (!(v->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED)))
			continue;
		err = add_file(task, &table, maps[i], v, list);
		if (err)
			return err;
	}
	return 0;
}
