/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pages-N.img as memory: sized, allocated and mapped once, filled in place, flushed. libpmem(7) knows whether
 * it is persistent memory (MAP_SYNC, flushed by cache line) or a page cache (msync).
 */
#include "pages/sink.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include <libpmem.h>

#include "base/io.h"
#include "base/madvise.h"
#include "pages/allocate.h"
#include "pages/pages_file.h"
#include "pages/run.h"
#include "pages/task_read.h"
#include "pages/unmap.h"

struct sink_mapped {
	struct page_sink sink;
	struct sink_args args;
	struct {
		char *base;
		size_t len;
	} map;
	bool is_pmem;
	bool is_tmpfs; /* a read fault gives a writable page too, many at once */
	bool is_new;   /* the file was not there: its directory entry must be made durable */
};

static int mapped_lend(struct page_sink *sink, uint64_t offset, size_t len, void **ret)
{
	struct sink_mapped *m = (struct sink_mapped *)sink;
	int r;

	cr_assert(offset <= sink->size && len <= sink->size - offset);
	*ret = m->map.base + offset;
	if (!m->is_tmpfs)
		return 0;
	r = mapping_make_ready(m->map.base, offset, len);
	if (r)
		return cr_fail_errno(sink->ctx, r, "Can't have a page of the mapped pages image");
	return 0;
}

static int mapped_write(struct page_sink *sink, uint64_t offset, const void *buf, size_t len)
{
	struct sink_mapped *m = (struct sink_mapped *)sink;

	cr_assert(offset <= sink->size && len <= sink->size - offset);
	pmem_memcpy(m->map.base + offset, buf, len, PMEM_F_MEM_NODRAIN | PMEM_F_MEM_NOFLUSH);
	return 0;
}

static void mapped_end(struct sink_mapped *m)
{
	pages_unmap(m->map.base, m->map.len);
	if (m->sink.fd >= 0)
		close(m->sink.fd);
	free(m);
}

static void mapped_abort(struct page_sink *sink)
{
	struct sink_mapped *m = (struct sink_mapped *)sink;

	pages_file_remove(&m->args);
	mapped_end(m);
}

static int mapped_finish(struct page_sink *sink)
{
	struct sink_mapped *m = (struct sink_mapped *)sink;
	int r = 0;

	if (m->map.base && m->is_pmem)
		pmem_persist(m->map.base, m->map.len);
	else if (m->map.base && pmem_msync(m->map.base, m->map.len))
		r = -errno;
	/* The size, and blocks that were allocated; a new file's name. */
	if (!r && fsync(sink->fd))
		r = -errno;
	if (!r && m->is_new)
		r = sync_dir(m->args.images_dirfd);
	if (r) {
		cr_fail_errno(sink->ctx, r, "Can't make the pages image durable");
		mapped_abort(sink);
		return r;
	}
	mapped_end(m);
	return 0;
}

static const struct page_sink_ops mapped_ops = {
	.name = "mapped",
	.caps = SINK_LENDS_MEMORY | SINK_DURABLE | SINK_HAS_FILE,
	.lend = mapped_lend,
	.write = mapped_write,
	.finish = mapped_finish,
	.abort = mapped_abort,
};

/* Allocates what the file has not got yet. */
static int fill_holes(const struct sink_mapped *m, const struct stat *old)
{
	struct page_allocator allocator;
	off_t size = m->sink.size;

	/* On tmpfs a file with as many blocks as its size takes has no hole; looking costs 8 ms per GiB. */
	if (m->is_tmpfs && old->st_size >= size && old->st_blocks * 512 >= old->st_size)
		return 0;
	page_allocator_init(&allocator, m->sink.fd, m->map.base, m->is_tmpfs);
	return pages_allocate(&allocator, 0, size);
}

static int map_file(struct sink_mapped *m)
{
	char path[32];
	int is_pmem = 0;
	size_t len = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", m->sink.fd);
	m->map.base = pmem_map_file(path, 0, 0, 0, &len, &is_pmem);
	if (!m->map.base)
		return -errno;
	m->map.len = len;
	m->is_pmem = is_pmem;
	if (len != m->sink.size)
		return -ESTALE; /* somebody else changes the file */
	return 0;
}

int sink_mapped_open(const struct sink_args *args, struct page_sink **ret)
{
	struct sink_mapped *m = calloc(1, sizeof(*m));
	unsigned long long size = args->size;
	struct statfs fs;
	struct stat old;
	int r;

	if (!m)
		return -ENOMEM;
	m->sink = (struct page_sink){ .ops = &mapped_ops, .ctx = args->ctx, .size = args->size, .fd = -1 };
	m->args = *args;
	r = pages_file_create(args, &old, &m->sink.fd);
	if (r) {
		free(m);
		return r;
	}
	m->is_new = !old.st_size;
	m->is_tmpfs = !fstatfs(m->sink.fd, &fs) && fs.f_type == TMPFS_MAGIC;
	if (size && (r = map_file(m)))
		cr_fail_errno(args->ctx, r, "Can't map the pages image of %llu bytes", size);
	else if (size && (r = fill_holes(m, &old)))
		cr_fail_errno(args->ctx, r, "Can't allocate %llu bytes for the pages image", size);
	if (r) {
		mapped_abort(&m->sink);
		return r;
	}
	*ret = &m->sink;
	return 0;
}
