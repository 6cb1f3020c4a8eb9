// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <search.h>
#include <stdlib.h>

#include "fd/map.h"

struct pair {
	uint64_t a, b, value;
};

static int pair_compare(const void *x, const void *y)
{
	const struct pair *p = x, *q = y;

	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return p->b < q->b ? -1 : p->b > q->b;
}

uint64_t *pair_map_find(const struct pair_map *map, uint64_t a, uint64_t b)
{
	struct pair key = { a, b, 0 };
	struct pair **found = tfind(&key, &map->root, pair_compare);

	return found ? &(*found)->value : NULL;
}

int pair_map_get(struct pair_map *map, uint64_t a, uint64_t b, uint64_t **ret, bool *is_new)
{
	struct pair *p;

	*ret = pair_map_find(map, a, b);
	*is_new = !*ret;
	if (*ret)
		return 0;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct pair){ a, b, 0 };
	if (!tsearch(p, &map->root, pair_compare)) {
		free(p);
		return -ENOMEM;
	}
	*ret = &p->value;
	return 0;
}

void pair_map_free(struct pair_map *map)
{
	tdestroy(map->root, free);
	map->root = NULL;
}
