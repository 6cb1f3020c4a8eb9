/* SPDX-License-Identifier: GPL-2.0 */
/* A map from two numbers, such as a device and an inode, to one. */
#ifndef CRIU_FD_MAP_H
#define CRIU_FD_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct pair_map {
	void *root; /* tsearch(3) */
};

/*
 * *RET points to the value of (A, B), which lives until the map is freed; a new one is 0 and *IS_NEW says so.
 * 0 or -ENOMEM.
 */
int pair_map_get(struct pair_map *map, uint64_t a, uint64_t b, uint64_t **ret, bool *is_new);
/* NULL if there is none. */
uint64_t *pair_map_find(const struct pair_map *map, uint64_t a, uint64_t b);
void pair_map_free(struct pair_map *map);

#endif
