/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "mem/hugetlb.h"
#include "mem/scan.h"
#include "mem/shmem.h"

struct segment {
	dev_t dev;
	ino_t ino;
	uint64_t shmid;
	int fd; /* readable */
	bool sysv;
};

struct shmem_dump {
	struct cr_ctx *ctx;
	struct segment *v; /* by ascending device and inode number */
	size_t nr, room;
};

int shmem_dump_begin(struct cr_ctx *ctx, struct shmem_dump **ret)
{
	struct shmem_dump *shm = calloc(1, sizeof(*shm));

	if (!shm)
		return cr_fail_errno(ctx, -ENOMEM, "Shared memory");
	shm->ctx = ctx;
	*ret = shm;
	return 0;
}

/* The place of the first segment that isn't before (DEV, INO). */
static size_t find_place(const struct shmem_dump *shm, dev_t dev, ino_t ino)
{
	size_t low = 0, high = shm->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct segment *s = &shm->v[mid];

		if (s->dev < dev || (s->dev == dev && s->ino < ino))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_taken(const struct shmem_dump *shm, uint64_t shmid)
{
	for (size_t i = 0; i < shm->nr; i++)
		if (shm->v[i].shmid == shmid)
			return true;
	return false;
}

/* The inode number, as long as it fits into every image and no segment of another device has it, too. */
static uint64_t choose_shmid(const struct shmem_dump *shm, ino_t ino)
{
	uint64_t shmid = 1;

	if (ino && ino <= UINT32_MAX && !is_taken(shm, ino))
		return ino;
	while (is_taken(shm, shmid))
		shmid++;
	return shmid;
}

static int insert(struct shmem_dump *shm, size_t at, dev_t dev, ino_t ino, int from_fd, bool sysv)
{
	uint64_t shmid;
	int fd;

	if (shm->nr == shm->room) {
		size_t room = shm->room ? shm->room * 2 : 16;
		struct segment *segments = reallocarray(shm->v, room, sizeof(*segments));

		if (!segments)
			return cr_fail_errno(shm->ctx, -ENOMEM, "Shared memory");
		shm->v = segments;
		shm->room = room;
	}
	fd = fcntl(from_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return cr_fail_errno(shm->ctx, -errno, "Can't keep shared memory open");
	shmid = sysv ? ino : choose_shmid(shm, ino);
	memmove(&shm->v[at + 1], &shm->v[at], (shm->nr - at) * sizeof(*shm->v));
	shm->v[at] = (struct segment){ dev, ino, shmid, fd, sysv };
	shm->nr++;
	return 0;
}

static int add(struct shmem_dump *shm, dev_t dev, ino_t ino, int fd, bool sysv, uint64_t *ret_shmid)
{
	size_t at = find_place(shm, dev, ino);
	int err = 0;

	if (at == shm->nr || shm->v[at].dev != dev || shm->v[at].ino != ino)
		err = insert(shm, at, dev, ino, fd, sysv);
	if (!err)
		*ret_shmid = shm->v[at].shmid;
	return err;
}

static int add_areas(struct shmem_dump *shm, struct vma_list *vmas, bool sysv)
{
	int err = 0;

	for (size_t i = 0; i < vmas->nr && !err; i++) {
		struct vma *v = &vmas->v[i];

		if (v->status & VMA_ANON_SHARED && !(v->status & VMA_AREA_SYSVIPC) == !sysv)
			err = add(shm, v->dev, v->ino, v->file_fd, sysv, &v->shmid);
	}
	return err;
}

int shmem_dump_add_sysv(struct shmem_dump *shm, struct vma_list *vmas)
{
	return add_areas(shm, vmas, true);
}

int shmem_dump_add(struct shmem_dump *shm, struct vma_list *vmas)
{
	return add_areas(shm, vmas, false);
}

bool shmem_dump_next_sysv(const struct shmem_dump *shm, size_t *at, int *ret_id, int *ret_fd)
{
	while (*at < shm->nr) {
		const struct segment *s = &shm->v[(*at)++];

		if (s->sysv) {
			*ret_id = s->shmid;
			*ret_fd = s->fd;
			return true;
		}
	}
	return false;
}

int shmem_dump_add_file(struct shmem_dump *shm, int fd, uint64_t *ret_shmid)
{
	struct stat st;

	if (fstat(fd, &st))
		return cr_fail_errno(shm->ctx, -errno, "Can't look at shared memory");
	return add(shm, st.st_dev, st.st_ino, fd, false, ret_shmid);
}

/* It is read from a mapping of our own: only where there is data, so nothing gets allocated in it. */
static int map_segment(struct shmem_dump *shm, const struct segment *s, struct store_item *item)
{
	void *memory;

	/* A memfd may be empty. */
	if (!item->memory_len)
		return 0;
	memory = mmap(NULL, item->memory_len, PROT_READ, MAP_SHARED | MAP_NORESERVE, s->fd, 0);
	if (memory == MAP_FAILED)
		return cr_fail_errno(shm->ctx, -errno, "Can't map shared memory segment %lu", (unsigned long)s->shmid);
	item->memory = memory;
	return 0;
}

static int scan(struct shmem_dump *shm, const struct segment *s, struct store_item *item)
{
	uint64_t page_size;
	struct stat st;

	if (fstat(s->fd, &st))
		return cr_fail_errno(shm->ctx, -errno, "Can't tell the size of shared memory segment %lu",
				     (unsigned long)s->shmid);
	page_size = hugetlb_file_page_size(s->fd) ?: RUN_PAGE_SIZE;
	item->memory_len = (st.st_size + page_size - 1) & ~(page_size - 1);
	return page_size == RUN_PAGE_SIZE ? scan_segment(shm->ctx, s->fd, item->memory_len, &item->runs)
					  : hugetlb_scan(shm->ctx, s->fd, &st, page_size, &item->runs);
}

int shmem_dump_scan(struct shmem_dump *shm, struct store_list *list)
{
	int err = 0;

	for (size_t i = 0; i < shm->nr && !err; i++) {
		struct store_item item = { .kind = IMG_SHMEM_PAGEMAP, .id = shm->v[i].shmid };

		err = scan(shm, &shm->v[i], &item);
		if (!err)
			err = map_segment(shm, &shm->v[i], &item);
		if (!err)
			err = store_list_add(list, &item);
		if (err) {
			page_run_list_free(&item.runs);
			if (item.memory)
				munmap(item.memory, item.memory_len);
		}
	}
	return err;
}

void shmem_dump_end(struct shmem_dump **shm)
{
	if (!*shm)
		return;
	for (size_t i = 0; i < (*shm)->nr; i++)
		close((*shm)->v[i].fd);
	free((*shm)->v);
	free(*shm);
	*shm = NULL;
}
