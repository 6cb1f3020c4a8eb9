/* SPDX-License-Identifier: GPL-2.0 */
/* The sources that are a pages image. */
#include "pages/source.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/madvise.h"
#include "pages/huge.h"
#include "pages/pages_file.h"
#include "pages/run.h"

#define HUGE_PAGE    (2ul << 20)
#define HUGE_SAMPLES 5

static int open_image(struct cr_ctx *ctx, int images_dirfd, uint32_t pages_id, struct page_source *src)
{
	char name[PAGES_FILE_NAME];
	struct stat st;
	int r = pages_file_name(pages_id, name);

	if (r)
		return cr_fail_errno(ctx, r, "Can't name the pages image %u", pages_id);
	src->fd = openat(images_dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (src->fd < 0 || fstat(src->fd, &st))
		return cr_fail_errno(ctx, -errno, "Can't open %s", name);
	if (!S_ISREG(st.st_mode))
		return cr_fail(ctx, -EINVAL, "%s isn't a regular file", name);
	src->size = st.st_size;
	return 0;
}

static void source_free(struct page_source *src)
{
	if (src->base)
		munmap((void *)src->base, src->size);
	close_fdp(&src->fd);
	free(src);
}

static int file_read(const struct page_source *src, uint64_t offset, void *buf, size_t len)
{
	return pread_full(src->fd, buf, len, offset);
}

static void file_prefetch(const struct page_source *src, uint64_t offset, uint64_t len)
{
	posix_fadvise(src->fd, offset, len, POSIX_FADV_WILLNEED);
}

static const struct page_source_ops file_ops = {
	.name = "file",
	.caps = SOURCE_HAS_FILE,
	.read = file_read,
	.prefetch = file_prefetch,
	.close = source_free,
};

static void mapped_prefetch(const struct page_source *src, uint64_t offset, uint64_t len)
{
	uint64_t start = offset & ~(uint64_t)(RUN_PAGE_SIZE - 1);

	if (offset < src->size && len <= src->size - offset)
		madvise((void *)(src->base + start), offset + len - start, MADV_POPULATE_READ);
}

/* Reads by system call too: a memory error or a cut file is then an error, not a signal. */
static const struct page_source_ops mapped_ops = {
	.name = "mapped",
	.caps = SOURCE_HAS_FILE | SOURCE_LENDS_MEMORY,
	.read = file_read,
	.prefetch = mapped_prefetch,
	.close = source_free,
};

/* At an address that large pages can be mapped at. MAP_FAILED with errno. */
static void *map_aligned(int fd, uint64_t size)
{
	size_t room = ((size + RUN_PAGE_SIZE - 1) & ~(RUN_PAGE_SIZE - 1)) + HUGE_PAGE, before, after;
	char *start = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *base;

	if (start == MAP_FAILED)
		return MAP_FAILED;
	base = (char *)(((uintptr_t)start + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	if (mmap(base, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
		munmap(start, room);
		return MAP_FAILED;
	}
	size = (size + RUN_PAGE_SIZE - 1) & ~(RUN_PAGE_SIZE - 1);
	before = base - start;
	after = room - before - size;
	if (before)
		munmap(start, before);
	if (after)
		munmap(base + size, after);
	return base;
}

static int open_as(struct cr_ctx *ctx, int images_dirfd, uint32_t pages_id, const struct page_source_ops *ops,
		   struct page_source **ret)
{
	struct page_source *src = calloc(1, sizeof(*src));
	int r;

	if (!src)
		return -ENOMEM;
	src->ops = ops;
	src->fd = -1;
	r = open_image(ctx, images_dirfd, pages_id, src);
	if (!r && src->size && (ops->caps & SOURCE_LENDS_MEMORY)) {
		void *base = map_aligned(src->fd, src->size);

		if (base == MAP_FAILED)
			r = cr_fail_errno(ctx, -errno, "Can't map pages-%u.img", pages_id);
		else
			src->base = base;
	}
	if (r) {
		source_free(src);
		return r;
	}
	*ret = src;
	return 0;
}

int source_file_open(struct cr_ctx *ctx, int images_dirfd, uint32_t pages_id, struct page_source **ret)
{
	return open_as(ctx, images_dirfd, pages_id, &file_ops, ret);
}

int source_mapped_open(struct cr_ctx *ctx, int images_dirfd, uint32_t pages_id, struct page_source **ret)
{
	return open_as(ctx, images_dirfd, pages_id, &mapped_ops, ret);
}

static bool is_dax(int fd)
{
#ifdef STATX_ATTR_DAX
	struct statx st;

	return !statx(fd, "", AT_EMPTY_PATH, 0, &st) && (st.stx_attributes & STATX_ATTR_DAX);
#else
	return false;
#endif
}

/* Looks at a few places of a mapped source: are most of them pages of 2 MiB? */
static bool is_huge(const struct page_source *src)
{
	const char *places[HUGE_SAMPLES];

	for (unsigned i = 0; i < HUGE_SAMPLES; i++)
		places[i] = src->base + (src->size / HUGE_SAMPLES * i & ~(HUGE_PAGE - 1));
	return pages_huge_among(places, HUGE_SAMPLES) > HUGE_SAMPLES / 2;
}

/* A hole of tmpfs gets a page when a mapping of it is looked at: a file that claims terabytes must not be. */
static bool is_without_holes(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_blocks * 512 >= st.st_size;
}

static bool is_tmpfs_without_holes(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == TMPFS_MAGIC && is_without_holes(fd);
}

/*
 * Mapping pays where the medium is memory and large pages spare the faults: mapping each 4 KiB costs more than
 * reading it.
 */
int source_open(struct cr_ctx *ctx, int images_dirfd, uint32_t pages_id, struct page_source **ret)
{
	struct page_source *mapped;
	bool dax, tmpfs;
	int r = source_file_open(ctx, images_dirfd, pages_id, ret);

	if (r || (*ret)->size < HUGE_PAGE)
		return r;
	dax = is_dax((*ret)->fd);
	tmpfs = is_tmpfs_without_holes((*ret)->fd);
	if (!dax && !tmpfs)
		return 0;
	r = source_mapped_open(ctx, images_dirfd, pages_id, &mapped);
	if (r)
		source_close(ret);
	else if (dax || is_huge(mapped)) {
		source_close(ret);
		*ret = mapped;
	} else {
		source_close(&mapped);
	}
	return r;
}

void source_look_begin(struct page_source *src)
{
	void *p;

	if (!src->seen)
		src->seen = src->base;
	if (src->seen || !src->size || !(src->ops->caps & SOURCE_HAS_FILE) || !is_without_holes(src->fd))
		return;
	p = mmap(NULL, src->size, PROT_READ, MAP_SHARED, src->fd, 0);
	if (p != MAP_FAILED)
		src->seen = p;
}

int source_look(const struct page_source *src, uint64_t offset, size_t len)
{
	if (offset > src->size || len > src->size - offset)
		return -EIO;
	while (madvise((void *)(src->seen + offset), len, MADV_POPULATE_READ))
		if (errno != EINTR && errno != EAGAIN)
			return errno == ENOMEM ? -ENOMEM : -EIO;
	return 0;
}

void source_look_end(struct page_source *src)
{
	if (src->seen && src->seen != src->base)
		munmap((void *)src->seen, src->size);
	src->seen = NULL;
}

void source_readahead(const struct page_source *src, enum tristate wanted)
{
	if (wanted == TRI_NO)
		return;
	if (!(src->ops->caps & SOURCE_LENDS_MEMORY))
		posix_fadvise(src->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if ((src->ops->caps & SOURCE_LENDS_MEMORY) || wanted == TRI_YES)
		src->ops->prefetch(src, 0, src->size);
}

void source_close(struct page_source **src)
{
	if (*src)
		(*src)->ops->close(*src);
	*src = NULL;
}
