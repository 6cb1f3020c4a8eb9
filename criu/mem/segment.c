/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/segment.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fam/set.h"

int segment_pages_read(struct cr_ctx *ctx, int images_dirfd, struct fam_set *fam, uint64_t shmid,
		       struct segment_pages *ret)
{
	int err;

	*ret = (struct segment_pages){ .shmid = shmid };
	err = pagemap_read(ctx, images_dirfd, fam, IMG_SHMEM_PAGEMAP, shmid, &ret->pagemap);
	if (err)
		return cr_fail_errno(ctx, err, "Can't read pagemap-shmem-%lu.img", (unsigned long)shmid);
	if (!ret->pagemap->nr_pages)
		return 0;
	return fam ? source_fam_open(fam, &ret->source)
		   : source_open(ctx, images_dirfd, ret->pagemap->pages_id, &ret->source);
}

uint64_t segment_pages_end(const struct segment_pages *pages)
{
	const struct pagemap *p = pages->pagemap;

	return p && p->nr ? p->v[p->nr - 1].vaddr + p->v[p->nr - 1].nr_pages * RUN_PAGE_SIZE : 0;
}

int segment_pages_fill(struct cr_ctx *ctx, const struct segment_pages *pages, char *memory)
{
	if (!pages->source)
		return 0;
	if (!pages->no_readahead)
		pages->source->ops->prefetch(pages->source, 0, pages->pagemap->nr_pages * RUN_PAGE_SIZE);
	for (size_t i = 0; i < pages->pagemap->nr; i++) {
		const struct page_run_at *run = &pages->pagemap->v[i];
		int err;

		if (!(run->flags & PE_PRESENT))
			continue;
		err = pages->source->ops->read(pages->source, run->offset, memory + run->vaddr,
					       run->nr_pages * RUN_PAGE_SIZE);
		if (err)
			return cr_fail_errno(
				ctx, err, "Can't fill shared memory segment %lu%s", (unsigned long)pages->shmid,
				err == -EFAULT ? ": is there not enough memory, or too few huge pages?" : "");
	}
	return 0;
}

int segment_pages_fill_file(struct cr_ctx *ctx, const struct segment_pages *pages, int fd)
{
	uint64_t len = segment_pages_end(pages);
	struct stat st;
	char *memory;
	int err;

	if (!len)
		return 0;
	if (fstat(fd, &st))
		return -errno;
	/* munmap(2) takes huge pages only whole. */
	len = (len + st.st_blksize - 1) & ~((uint64_t)st.st_blksize - 1);
	memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (memory == MAP_FAILED)
		return cr_fail_errno(ctx, -errno, "Can't map shared memory segment %lu of %lu bytes",
				     (unsigned long)pages->shmid, (unsigned long)len);
	err = segment_pages_fill(ctx, pages, memory);
	munmap(memory, len);
	return err;
}

void segment_pages_free(struct segment_pages *pages)
{
	pagemap_free(&pages->pagemap);
	source_close(&pages->source);
}
