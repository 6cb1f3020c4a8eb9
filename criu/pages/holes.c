/* SPDX-License-Identifier: GPL-2.0 */
#include "pages/holes.h"

#include <errno.h>
#include <unistd.h>

static int find_part(struct hole_map *map, uint64_t at)
{
	off_t data = lseek(map->fd, at, SEEK_DATA), hole;

	if (data < 0 && errno != ENXIO)
		return -errno;
	map->start = at;
	map->is_data = data >= 0 && (uint64_t)data == at;
	if (!map->is_data) {
		map->end = data < 0 ? UINT64_MAX : (uint64_t)data;
		return 0;
	}
	hole = lseek(map->fd, at, SEEK_HOLE);
	if (hole < 0)
		return -errno;
	map->end = hole;
	return 0;
}

int hole_map_look(struct hole_map *map, uint64_t at, bool *ret_is_data, uint64_t *ret_end)
{
	int r = 0;

	if (at < map->start || at >= map->end) {
		map->end = 0;
		r = find_part(map, at);
	}
	*ret_is_data = map->is_data;
	*ret_end = map->end;
	return r;
}
