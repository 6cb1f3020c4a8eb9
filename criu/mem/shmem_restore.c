/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "mem/hugetlb.h"
#include "mem/segment.h"
#include "mem/shmem.h"
#include "mem/shmem_memfd.h"

struct segment {
	uint64_t shmid;
	uint64_t size; /* bytes, of whole pages */
	uint32_t huge; /* MAP_HUGETLB and the size of its pages, or 0 */
	bool reserved; /* an area of it asks for memory to be set aside: none of MAP_NORESERVE alone */
	struct segment_pages pages;
	int fd; /* once it is made */
};

struct shmem_restore {
	struct cr_ctx *ctx;
	struct segment *v; /* by ascending shmid */
	size_t nr;
};

static int compare(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->shmid > y->shmid) - (x->shmid < y->shmid);
}

static struct segment *find(const struct shmem_restore *shm, uint64_t shmid)
{
	struct segment key = { .shmid = shmid };

	return shm->nr ? bsearch(&key, shm->v, shm->nr, sizeof(key), compare) : NULL;
}

/* sysv_restore.c brings those of System V back. */
static bool is_ours(const VmaEntry *e)
{
	return (e->status & VMA_ANON_SHARED) && !(e->status & VMA_AREA_SYSVIPC);
}

static size_t count_areas(MmEntry *const *mms, size_t nr)
{
	size_t count = 0;

	for (size_t i = 0; i < nr; i++)
		for (size_t j = 0; j < mms[i]->n_vmas; j++)
			count += is_ours(mms[i]->vmas[j]);
	return count;
}

/* One segment for all areas of its shmid, as large as the furthest of them reaches. */
static int collect(struct shmem_restore *shm, MmEntry *const *mms, size_t nr)
{
	size_t nr_areas = count_areas(mms, nr), n = 0;

	if (!nr_areas)
		return 0;
	shm->v = calloc(nr_areas, sizeof(*shm->v));
	if (!shm->v)
		return cr_fail_errno(shm->ctx, -ENOMEM, "%zu areas of shared memory", nr_areas);
	for (size_t i = 0; i < nr; i++) {
		for (size_t j = 0; j < mms[i]->n_vmas; j++) {
			const VmaEntry *e = mms[i]->vmas[j];

			if (is_ours(e))
				shm->v[shm->nr++] = (struct segment){
					.shmid = e->shmid,
					.size = e->pgoff + (e->end - e->start), /* mm_validate() saw that it fits */
					.huge = e->flags & (MAP_HUGETLB | HUGETLB_SIZE_MASK),
					.reserved = !(e->flags & MAP_NORESERVE),
					.fd = -1,
				};
		}
	}
	qsort(shm->v, shm->nr, sizeof(*shm->v), compare);
	for (size_t i = 1; i < shm->nr; i++) {
		struct segment *s = &shm->v[i], *into = &shm->v[n];

		if (s->shmid != into->shmid) {
			shm->v[++n] = *s;
			continue;
		}
		if (s->size > into->size)
			into->size = s->size;
		if (s->huge != into->huge)
			return cr_fail(shm->ctx, -EBADMSG,
				       "Areas of shared memory segment %lu have pages of several sizes",
				       (unsigned long)s->shmid);
		into->reserved |= s->reserved;
	}
	shm->nr = n + 1;
	return 0;
}

static int read_segment(struct shmem_restore *shm, int images_dirfd, struct fam_set *fam, struct segment *s)
{
	uint64_t page_size;
	int err = segment_pages_read(shm->ctx, images_dirfd, fam, s->shmid, &s->pages);

	/* It may be larger than what is still mapped of it. */
	if (!err && segment_pages_end(&s->pages) > s->size)
		s->size = segment_pages_end(&s->pages);
	if (!err && s->huge) {
		page_size = hugetlb_page_size(s->huge);
		if (!page_size)
			return cr_fail(shm->ctx, -EOPNOTSUPP, "This kernel has no huge pages (hugetlb)");
		s->size = (s->size + page_size - 1) & ~(page_size - 1);
	}
	return err;
}

int shmem_restore_read(struct cr_ctx *ctx, int images_dirfd, struct fam_set *fam, MmEntry *const *mms, size_t nr,
		       struct shmem_restore **ret)
{
	__cleanup(shmem_restore_free) struct shmem_restore *shm = calloc(1, sizeof(*shm));
	int err;

	if (!shm)
		return cr_fail_errno(ctx, -ENOMEM, "Shared memory");
	shm->ctx = ctx;
	err = shmem_adopt_memfds(ctx, images_dirfd, mms, nr);
	if (!err)
		err = collect(shm, mms, nr);
	for (size_t i = 0; !err && i < shm->nr; i++)
		err = read_segment(shm, images_dirfd, fam, &shm->v[i]);
	if (err)
		return err;
	*ret = take_ptr(shm);
	return 0;
}

/* The descriptor of a mapping of ours: the only way to have one of shared anonymous memory. */
static int open_mapping(const void *memory, uint64_t size, int first_fd)
{
	char path[64];
	int fd, high;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)memory,
		 (unsigned long)memory + size);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fd >= first_fd)
		return fd;
	high = fd_move_high(fd, first_fd);
	if (high < 0)
		close(fd);
	return high;
}

static int create_segment(struct shmem_restore *shm, struct segment *s, int first_fd)
{
	int flags = MAP_SHARED | MAP_ANONYMOUS | (int)s->huge | (s->reserved ? 0 : MAP_NORESERVE);
	void *memory = mmap(NULL, s->size, PROT_READ | PROT_WRITE, flags, -1, 0);
	int err = 0;

	if (memory == MAP_FAILED)
		return cr_fail_errno(shm->ctx, -errno, "Can't make shared memory segment %lu of %lu bytes%s",
				     (unsigned long)s->shmid, (unsigned long)s->size,
				     s->huge ? " of huge pages: are enough of them free?" : "");
	s->fd = open_mapping(memory, s->size, first_fd);
	if (s->fd < 0)
		err = cr_fail_errno(shm->ctx, s->fd,
				    "Can't open shared memory segment %lu through /proc/self/map_files",
				    (unsigned long)s->shmid);
	if (!err)
		err = segment_pages_fill(shm->ctx, &s->pages, memory);
	munmap(memory, s->size);
	return err;
}

void shmem_restore_no_readahead(struct shmem_restore *shm)
{
	for (size_t i = 0; i < shm->nr; i++)
		shm->v[i].pages.no_readahead = true;
}

int shmem_restore_create(struct shmem_restore *shm, int first_fd)
{
	for (size_t i = 0; i < shm->nr; i++) {
		int err = create_segment(shm, &shm->v[i], first_fd);

		if (err)
			return err;
	}
	return 0;
}

int shmem_restore_get(const struct shmem_restore *shm, uint64_t shmid, int *ret_fd)
{
	const struct segment *s = find(shm, shmid);

	if (!s || s->fd < 0)
		return -ENOENT;
	*ret_fd = s->fd;
	return 0;
}

size_t shmem_restore_count(const struct shmem_restore *shm)
{
	return shm->nr;
}

int shmem_restore_fd(const struct shmem_restore *shm, size_t n)
{
	return shm->v[n].fd;
}

void shmem_restore_free(struct shmem_restore **shm)
{
	if (!*shm)
		return;
	for (size_t i = 0; i < (*shm)->nr; i++) {
		struct segment *s = &(*shm)->v[i];

		segment_pages_free(&s->pages);
		close_fdp(&s->fd);
	}
	free((*shm)->v);
	free(*shm);
	*shm = NULL;
}
