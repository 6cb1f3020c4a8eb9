/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/image.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fam.pb-c.h"
#include "image/image.h"

static void fill_extent(const struct fam_extent *e, FamExtentEntry *ret)
{
	fam_extent_entry__init(ret);
	ret->pages_id = e->pages_id;
	ret->vaddr = e->vaddr;
	ret->length = e->len;
	ret->offset = e->offset;
	ret->has_crc32c = e->has_crc;
	ret->crc32c = e->crc32c;
}

int fam_image_write(struct cr_ctx *ctx, int images_dirfd, const struct fam_image *image)
{
	const struct fam_layout *layout = &image->layout;
	_cleanup_free_ FamExtentEntry *entries = calloc(layout->nr + 1, sizeof(*entries));
	_cleanup_free_ FamExtentEntry **pointers = calloc(layout->nr + 1, sizeof(*pointers));
	FamEntry entry = FAM_ENTRY__INIT;
	int r;

	if (!entries || !pointers)
		return -ENOMEM;
	for (size_t i = 0; i < layout->nr; i++) {
		fill_extent(&layout->v[i], &entries[i]);
		pointers[i] = &entries[i];
	}
	entry.pool_uuid = (ProtobufCBinaryData){ FAM_UUID_LEN, (uint8_t *)image->uuid };
	entry.checkpoint = image->checkpoint;
	entry.pool_dir = image->pool_dir;
	entry.size = layout->size;
	entry.n_extents = layout->nr;
	entry.extents = pointers;
	r = image_write_single(images_dirfd, IMG_FAM, &entry.base);
	return r ? cr_fail_errno(ctx, r, "Can't write fam.img") : 0;
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

static int damaged(struct cr_ctx *ctx, const char *what)
{
	return cr_fail(ctx, -EBADMSG, "fam.img is damaged: %s", what);
}

static bool whole_pages(uint64_t bytes)
{
	return !(bytes & (RUN_PAGE_SIZE - 1));
}

static int check_head(struct cr_ctx *ctx, const FamEntry *e)
{
	if (e->pool_uuid.len != FAM_UUID_LEN)
		return damaged(ctx, "the pool's UUID hasn't 16 bytes");
	if (!e->checkpoint)
		return damaged(ctx, "it names no checkpoint");
	if (e->pool_dir[0] != '/' || strlen(e->pool_dir) >= PATH_MAX)
		return damaged(ctx, "the pool's path is none");
	if (e->size & (FAM_ALIGN - 1) || e->size > INT64_MAX)
		return damaged(ctx, "an impossible size");
	return 0;
}

static int check_extent(struct cr_ctx *ctx, const FamExtentEntry *e, uint64_t size, const FamExtentEntry *before)
{
	if (!e->length || !whole_pages(e->vaddr) || !whole_pages(e->length) || !whole_pages(e->offset))
		return damaged(ctx, "an extent isn't of whole pages");
	if (e->vaddr > FAM_VADDR_MAX || e->length > FAM_VADDR_MAX - e->vaddr)
		return damaged(ctx, "an extent of impossible addresses");
	if (e->offset > size || e->length > size - e->offset)
		return damaged(ctx, "an extent behind the end of the content");
	if (before && (e->pages_id < before->pages_id ||
		       (e->pages_id == before->pages_id && e->vaddr < before->vaddr + before->length)))
		return damaged(ctx, "extents out of order");
	return 0;
}

static int by_offset(const void *pa, const void *pb)
{
	const struct fam_extent *a = *(const struct fam_extent *const *)pa, *b = *(const struct fam_extent *const *)pb;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

static int check_apart(struct cr_ctx *ctx, const struct fam_layout *layout)
{
	_cleanup_free_ const struct fam_extent **order = calloc(layout->nr + 1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < layout->nr; i++)
		order[i] = &layout->v[i];
	qsort(order, layout->nr, sizeof(*order), by_offset);
	for (size_t i = 1; i < layout->nr; i++)
		if (order[i]->offset < order[i - 1]->offset + order[i - 1]->len)
			return damaged(ctx, "two extents share content");
	return 0;
}

static int take(struct cr_ctx *ctx, const FamEntry *e, struct fam_image *ret)
{
	int r = check_head(ctx, e);

	for (size_t i = 0; i < e->n_extents && !r; i++)
		r = check_extent(ctx, e->extents[i], e->size, i ? e->extents[i - 1] : NULL);
	if (r)
		return r;
	memcpy(ret->uuid, e->pool_uuid.data, FAM_UUID_LEN);
	ret->checkpoint = e->checkpoint;
	ret->pool_dir = strdup(e->pool_dir);
	ret->layout = (struct fam_layout){
		.v = calloc(e->n_extents + 1, sizeof(*ret->layout.v)),
		.nr = e->n_extents,
		.room = e->n_extents + 1,
		.size = e->size,
	};
	if (!ret->pool_dir || !ret->layout.v)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_extents; i++) {
		const FamExtentEntry *x = e->extents[i];

		ret->layout.v[i] = (struct fam_extent){
			x->pages_id, x->vaddr, x->length, x->offset, x->crc32c, x->has_crc32c,
		};
	}
	return check_apart(ctx, &ret->layout);
}

int fam_image_read(struct cr_ctx *ctx, int images_dirfd, struct fam_image *ret)
{
	_cleanup_image_message_ ProtobufCMessage *msg = NULL;
	int r = image_read_single(images_dirfd, IMG_FAM, &msg);

	*ret = (struct fam_image){ 0 };
	if (r == -ENOENT)
		return r;
	if (!r)
		r = take(ctx, (FamEntry *)msg, ret);
	if (r) {
		fam_image_free(ret);
		return cr_fail_errno(ctx, r, "Can't read fam.img");
	}
	return 0;
}

void fam_image_free(struct fam_image *image)
{
	free(image->pool_dir);
	fam_layout_free(&image->layout);
	*image = (struct fam_image){ 0 };
}
