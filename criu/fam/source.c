/* SPDX-License-Identifier: GPL-2.0 */
/* A checkpoint as a page source. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/io.h"
#include "fam/set.h"

static int file_read(const struct page_source *src, uint64_t offset, void *buf, size_t len)
{
	return pread_full(src->fd, buf, len, offset);
}

/* By a system call, which answers EFAULT where the memory is bad. */
static int memory_read(const struct page_source *src, uint64_t offset, void *buf, size_t len)
{
	struct iovec to = { buf, len }, from = { (char *)src->base + offset, len };
	ssize_t n;

	if (offset > src->size || len > src->size - offset)
		return -EIO;
	do {
		n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : -EIO;
}

/* On tmpfs and DAX pages are there; elsewhere the kernel sees by itself how we read. Holes must stay holes. */
static void no_prefetch(const struct page_source *src, uint64_t offset, uint64_t len)
{
}

static void fam_close(struct page_source *src)
{
	free(src);
}

static const struct page_source_ops read_ops = {
	.name = "pool",
	.caps = SOURCE_HAS_FILE,
	.read = file_read,
	.prefetch = no_prefetch,
	.close = fam_close,
};

static const struct page_source_ops mapped_ops = {
	.name = "pool, mapped",
	.caps = SOURCE_HAS_FILE | SOURCE_LENDS_MEMORY,
	.read = file_read,
	.prefetch = no_prefetch,
	.close = fam_close,
};

static const struct page_source_ops memory_ops = {
	.name = "pool's memory",
	.caps = SOURCE_LENDS_MEMORY,
	.read = memory_read,
	.prefetch = no_prefetch,
	.close = fam_close,
};

int source_fam_open(const struct fam_set *set, struct page_source **ret)
{
	struct page_source *src = calloc(1, sizeof(*src));

	if (!src)
		return -ENOMEM;
	*src = (struct page_source){
		.ops = set->cp->fd < 0 ? &memory_ops
		       : set->lends    ? &mapped_ops
				       : &read_ops,
		.size = set->cp->size,
		.fd = set->cp->fd,
		.base = set->cp->base,
	};
	*ret = src;
	return 0;
}
