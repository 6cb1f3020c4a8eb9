/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/set.h"

#include <string.h>

#include "base/str.h"

struct reading {
	struct cr_ctx *ctx;
	int dirfd;
	size_t room;
	struct set_pagemaps *maps;
};

/* NAME is of KIND: the id that it has, by making the name again from it. */
static bool id_of(const char *name, enum image_kind kind, unsigned long *ret)
{
	const char *digits = name + strcspn(name, "0123456789");
	char again[IMAGE_NAME_MAX];
	uint64_t id = 0;

	for (; *digits >= '0' && *digits <= '9'; digits++)
		if (__builtin_mul_overflow(id, 10, &id) || __builtin_add_overflow(id, *digits - '0', &id))
			return false;
	*ret = id;
	return !image_name(kind, again, sizeof(again), id) && !strcmp(again, name);
}

static int read_one(void *arg, const char *name)
{
	struct reading *rd = arg;
	struct set_pagemaps *maps = rd->maps;
	struct set_pagemap one = { .kind = IMG_PAGEMAP };
	int err;

	if (!id_of(name, IMG_PAGEMAP, &one.id)) {
		one.kind = IMG_SHMEM_PAGEMAP;
		if (!id_of(name, IMG_SHMEM_PAGEMAP, &one.id))
			return 0;
	}
	err = pagemap_read(rd->ctx, rd->dirfd, NULL, one.kind, one.id, &one.map);
	if (err)
		return cr_fail_errno(rd->ctx, err, "Can't read %s", name);
	if (maps->nr == rd->room) {
		size_t room = rd->room ? 2 * rd->room : 16;
		struct set_pagemap *v = reallocarray(maps->v, room, sizeof(*v));

		if (!v) {
			pagemap_free(&one.map);
			return cr_fail_errno(rd->ctx, -ENOMEM, "Can't read the pagemaps");
		}
		maps->v = v;
		rd->room = room;
	}
	maps->v[maps->nr++] = one;
	return 0;
}

static int compare(const void *pa, const void *pb)
{
	const struct set_pagemap *a = pa, *b = pb;

	return (a->map->pages_id > b->map->pages_id) - (a->map->pages_id < b->map->pages_id);
}

int set_pagemaps_read(struct cr_ctx *ctx, int dirfd, struct set_pagemaps *ret)
{
	struct reading rd = { .ctx = ctx, .dirfd = dirfd, .maps = ret };
	int err;

	*ret = (struct set_pagemaps){ 0 };
	err = set_each_file(dirfd, read_one, &rd);
	if (err)
		return cr_fail_errno(ctx, err, "Can't read the pagemaps");
	if (ret->nr)
		qsort(ret->v, ret->nr, sizeof(*ret->v), compare);
	for (size_t i = 1; i < ret->nr; i++)
		if (ret->v[i].map->pages_id == ret->v[i - 1].map->pages_id)
			return cr_fail(ctx, -EINVAL, "Two pagemaps have the pages %u", ret->v[i].map->pages_id);
	return 0;
}

void set_pagemaps_free(struct set_pagemaps *maps)
{
	for (size_t i = 0; i < maps->nr; i++)
		pagemap_free(&maps->v[i].map);
	free(maps->v);
	*maps = (struct set_pagemaps){ 0 };
}
