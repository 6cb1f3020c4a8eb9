/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pages/huge.h"

#define HUGE_SAMPLES 5

/* Looks where large extents are: a hole of tmpfs would get a page by that. */
static bool has_huge_pages(const struct fam_set *set)
{
	const struct fam_layout *layout = &set->image.layout;
	const char *places[HUGE_SAMPLES];
	size_t nr = 0;

	for (size_t i = layout->nr; i-- > 0 && nr < HUGE_SAMPLES;) {
		const struct fam_extent *e = &layout->v[i];
		uint64_t at = (e->offset + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1);

		if (at + FAM_ALIGN <= e->offset + e->len)
			places[nr++] = set->cp->base + at;
	}
	return nr && pages_huge_among(places, nr) > nr / 2;
}

static int open_pool(struct fam_set *set, const char *pool_dir)
{
	struct fam_open_args args = {
		.ctx = set->ctx,
		.path = pool_dir ?: set->image.pool_dir,
		.access = FAM_READ,
	};
	int r = fam_pool_open(&args, &set->pool);

	if (r < 0)
		return cr_fail_errno(set->ctx, r, "Can't open the pool %s", args.path);
	if (memcmp(set->pool->uuid, set->image.uuid, FAM_UUID_LEN))
		return cr_fail(set->ctx, -EXDEV, "The pool %s isn't the one that the set was dumped into (%s)",
			       args.path, set->image.pool_dir);
	return 0;
}

static int open_checkpoint(struct fam_set *set)
{
	char id[FAM_ID_TEXT];
	struct stat st;
	int r = fam_checkpoint_open(set->pool, set->image.checkpoint, &set->cp);

	fam_id_print(set->image.checkpoint, id);
	if (r < 0)
		return cr_fail_errno(set->ctx, r, "Can't open checkpoint %s of the pool %s", id, set->pool->path);
	if (set->cp->size != set->image.layout.size)
		return cr_fail(set->ctx, -EBADMSG, "Checkpoint %s has %llu bytes, fam.img tells of %llu", id,
			       (unsigned long long)set->cp->size, (unsigned long long)set->image.layout.size);
	set->room = set->cp->size;
	/* Holes of tmpfs get memory when they are read. */
	if (set->cp->is_tmpfs && !fstat(set->cp->fd, &st) && (uint64_t)st.st_blocks * 512 < set->room)
		set->room = (uint64_t)st.st_blocks * 512;
	set->lends = set->cp->fd < 0 || set->cp->is_pmem || (set->cp->is_tmpfs && has_huge_pages(set));
	return 0;
}

int fam_set_open(struct cr_ctx *ctx, int images_dirfd, const char *pool_dir, struct fam_set **ret)
{
	struct fam_set *set = calloc(1, sizeof(*set));
	int r;

	*ret = NULL;
	if (!set)
		return -ENOMEM;
	set->ctx = ctx;
	r = fam_image_read(ctx, images_dirfd, &set->image);
	if (r == -ENOENT) {
		free(set);
		return 0;
	}
	if (!r)
		r = open_pool(set, pool_dir);
	if (!r)
		r = open_checkpoint(set);
	if (r) {
		fam_set_close(&set);
		return r;
	}
	*ret = set;
	return 0;
}

void fam_set_close(struct fam_set **pset)
{
	struct fam_set *set = *pset;

	if (!set)
		return;
	fam_checkpoint_close(&set->cp);
	if (set->pool)
		fam_pool_close(&set->pool);
	fam_image_free(&set->image);
	free(set->stored);
	free(set);
	*pset = NULL;
}

/* ---- where pages are ----------------------------------------------------------------------------------------- */

static int append(struct page_run_at **v, size_t *nr, size_t *room, const struct page_run_at *run)
{
	if (*nr == *room) {
		size_t more = *room ? 2 * *room : 64;
		struct page_run_at *grown = reallocarray(*v, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*v = grown;
		*room = more;
	}
	(*v)[(*nr)++] = *run;
	return 0;
}

static int place_run(struct fam_set *set, uint32_t pages_id, struct page_run_at run, struct page_run_at **v, size_t *nr,
		     size_t *room)
{
	uint64_t left = run.nr_pages << RUN_PAGE_SHIFT;

	while (left) {
		uint64_t len;
		int r = fam_layout_find(&set->image.layout, pages_id, run.vaddr, left, &run.offset, &len);

		if (r)
			return cr_fail(set->ctx, -EBADMSG, "fam.img has no place for the page at %#llx of pagemap %u",
				       (unsigned long long)run.vaddr, pages_id);
		if (len > set->room - set->claimed)
			return cr_fail(set->ctx, -EBADMSG, "The pagemaps tell of more pages than the checkpoint has");
		set->claimed += len;
		run.nr_pages = len >> RUN_PAGE_SHIFT;
		r = append(v, nr, room, &run);
		if (!r)
			r = append(&set->stored, &set->nr_stored, &set->room_stored, &run);
		if (r)
			return r;
		run.vaddr += len;
		left -= len;
	}
	return 0;
}

int fam_set_place(struct fam_set *set, uint32_t pages_id, struct page_run_at **runs, size_t *nr)
{
	struct page_run_at *placed = NULL;
	size_t n = 0, room = 0;
	int r = 0;

	for (size_t i = 0; i < *nr && !r; i++)
		r = place_run(set, pages_id, (*runs)[i], &placed, &n, &room);
	if (r) {
		free(placed);
		return r;
	}
	free(*runs);
	*runs = placed;
	*nr = n;
	return 0;
}
