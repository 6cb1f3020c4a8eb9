/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which parts of a file are there: lseek(2), SEEK_DATA and SEEK_HOLE. These walk over all pages up to what they look
 * for, so that asking for each of many ranges anew would take the square of their number.
 */
#ifndef CRIU_PAGES_HOLES_H
#define CRIU_PAGES_HOLES_H

#include <stdbool.h>
#include <stdint.h>

/* What was found last. Zeroed but for fd it knows nothing. */
struct hole_map {
	int fd;		     /* borrowed */
	uint64_t start, end; /* of the part */
	bool is_data;
};

/*
 * Whether the file has something at offset AT, and up to where that is so, at most UINT64_MAX. What lies before AT may
 * have changed since the last call, what lies behind it not. 0 or -errno.
 */
int hole_map_look(struct hole_map *map, uint64_t at, bool *ret_is_data, uint64_t *ret_end);

#endif
