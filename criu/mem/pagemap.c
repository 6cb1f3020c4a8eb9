/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fam/set.h"
#include "pagemap.pb-c.h"

/* No user address is higher, with five levels of page tables either. */
#define ADDRESS_MAX (1ull << 57)

int pagemap_write(struct cr_ctx *ctx, int images_dirfd, enum image_kind kind, unsigned long id, uint32_t pages_id,
		  const struct page_run_list *runs)
{
	_cleanup_image_ struct image *img = NULL;
	PagemapHead head = PAGEMAP_HEAD__INIT;
	int r;

	head.pages_id = pages_id;
	r = image_create(images_dirfd, kind, &img, id);
	if (!r)
		r = image_write(img, &head.base);
	for (size_t i = 0; !r && i < runs->nr; i++) {
		PagemapEntry entry = PAGEMAP_ENTRY__INIT;

		entry.vaddr = runs->v[i].vaddr;
		entry.compat_nr_pages = runs->v[i].nr_pages;
		entry.has_nr_pages = true;
		entry.nr_pages = runs->v[i].nr_pages;
		entry.has_flags = true;
		entry.flags = runs->v[i].flags & PE_KNOWN;
		r = image_write(img, &entry.base);
	}
	if (!r)
		r = image_close(&img);
	if (r)
		return cr_fail_errno(ctx, r, "Can't write the pagemap image %lu", id);
	return 0;
}

struct reading {
	struct cr_ctx *ctx;
	unsigned long id;
	struct pagemap *map;
	size_t room;
	uint64_t end; /* of the entry before */
};

static int damaged(const struct reading *rd, uint64_t vaddr, const char *what)
{
	return cr_fail(rd->ctx, -EINVAL, "The pagemap image %lu is damaged: %s at 0x%llx", rd->id, what,
		       (unsigned long long)vaddr);
}

static int append_run(struct reading *rd, uint64_t vaddr, uint64_t nr, uint32_t flags)
{
	struct pagemap *map = rd->map;

	if (map->nr == rd->room) {
		size_t room = rd->room ? rd->room * 2 : 64;
		struct page_run_at *v = reallocarray(map->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		map->v = v;
		rd->room = room;
	}
	map->v[map->nr++] = (struct page_run_at){ vaddr, nr, map->nr_pages << RUN_PAGE_SHIFT, flags };
	map->nr_pages += nr;
	return 0;
}

static int read_entry(struct reading *rd, const PagemapEntry *e)
{
	uint64_t nr = e->has_nr_pages ? e->nr_pages : e->compat_nr_pages;
	uint32_t flags = e->flags;

	if (!e->has_flags)
		flags = e->has_in_parent && e->in_parent ? PE_PARENT : PE_PRESENT;
	if (e->vaddr & (RUN_PAGE_SIZE - 1))
		return damaged(rd, e->vaddr, "no page's address");
	if (!nr || nr > ADDRESS_MAX >> RUN_PAGE_SHIFT || e->vaddr > ADDRESS_MAX - (nr << RUN_PAGE_SHIFT))
		return damaged(rd, e->vaddr, "an impossible count of pages");
	if (e->vaddr < rd->end)
		return damaged(rd, e->vaddr, "pages out of order");
	if (flags & ~PE_KNOWN)
		return damaged(rd, e->vaddr, "unknown flags");
	if (flags & PE_PARENT)
		return cr_fail(rd->ctx, -EOPNOTSUPP,
			       "The pagemap image %lu refers to a parent: incremental images aren't supported yet",
			       rd->id);
	if (!(flags & PE_PRESENT))
		return cr_fail(rd->ctx, -EOPNOTSUPP,
			       "The pagemap image %lu has pages that are in no image: lazy dumps aren't supported yet",
			       rd->id);
	rd->end = e->vaddr + (nr << RUN_PAGE_SHIFT);
	return append_run(rd, e->vaddr, nr, flags);
}

static int read_all(struct reading *rd, struct image *img)
{
	ProtobufCMessage *msg = NULL;
	int r = image_read_as(img, &pagemap_head__descriptor, &msg);

	if (r == 1)
		rd->map->pages_id = ((PagemapHead *)msg)->pages_id;
	else if (!r)
		r = -EBADMSG;
	while (r == 1) {
		image_message_freep(&msg);
		msg = NULL;
		r = image_read_as(img, &pagemap_entry__descriptor, &msg);
		if (r == 1) {
			int err = read_entry(rd, (PagemapEntry *)msg);

			r = err ? err : 1;
		}
	}
	image_message_freep(&msg);
	return r;
}

/* Where the pages are fam.img tells then: see fam/image.h. */
static bool is_in_pool(int images_dirfd)
{
	char name[IMAGE_NAME_MAX];

	return !image_name(IMG_FAM, name, sizeof(name)) && !faccessat(images_dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static int check_pages_file(struct reading *rd, int images_dirfd)
{
	uint64_t need = rd->map->nr_pages << RUN_PAGE_SHIFT;
	char name[64];
	struct stat st;
	int r = image_name(IMG_PAGES, name, sizeof(name), (unsigned long)rd->map->pages_id);

	if (!r && fstatat(images_dirfd, name, &st, 0))
		r = -errno;
	if (r == -ENOENT && (!need || is_in_pool(images_dirfd)))
		return 0;
	if (r)
		return cr_fail_errno(rd->ctx, r, "Can't find the pages image %u", rd->map->pages_id);
	if (st.st_size < 0 || (uint64_t)st.st_size != need)
		return cr_fail(rd->ctx, -EINVAL, "%s has %lld bytes, the pagemap image %lu tells of %llu", name,
			       (long long)st.st_size, rd->id, (unsigned long long)need);
	return 0;
}

int pagemap_read(struct cr_ctx *ctx, int images_dirfd, struct fam_set *fam, enum image_kind kind, unsigned long id,
		 struct pagemap **ret)
{
	_cleanup_image_ struct image *img = NULL;
	struct reading rd = { .ctx = ctx, .id = id };
	int r = image_open(images_dirfd, kind, &img, id);

	if (r == -ENOENT)
		return r;
	if (!r && !(rd.map = calloc(1, sizeof(*rd.map))))
		r = -ENOMEM;
	if (!r)
		r = read_all(&rd, img);
	if (r)
		cr_fail_errno(ctx, r, "Can't read the pagemap image %lu", id);
	else if (fam)
		r = fam_set_place(fam, rd.map->pages_id, &rd.map->v, &rd.map->nr);
	else
		r = check_pages_file(&rd, images_dirfd);
	if (r) {
		pagemap_free(&rd.map);
		return r;
	}
	*ret = rd.map;
	return 0;
}

void pagemap_free(struct pagemap **pagemap)
{
	if (*pagemap) {
		free((*pagemap)->v);
		free(*pagemap);
	}
	*pagemap = NULL;
}

size_t pagemap_first(const struct pagemap *pagemap, uint64_t start)
{
	size_t low = 0, high = pagemap->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (pagemap->v[mid].vaddr + (pagemap->v[mid].nr_pages << RUN_PAGE_SHIFT) > start)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}
