/* SPDX-License-Identifier: GPL-2.0 */
/* The stored pages of a checkpoint, read in the order in which an ordinary set has them. */
#ifndef CRIU_FAM_TOOLS_CONTENT_H
#define CRIU_FAM_TOOLS_CONTENT_H

#include "fam/layout.h"
#include "fam/pool.h"
#include "mem/pagemap.h"

struct content_walk {
	struct fam_checkpoint *cp;
	const struct fam_layout *layout;
	uint64_t room; /* content_room() at first: bytes that pagemaps can still tell of */
	/* LEN bytes of pages, in order. NULL: nobody wants them. Not 0 ends the walk, and is returned. */
	int (*data)(void *arg, const void *data, size_t len);
	/* Pages that can't be had, an extent with another checksum: CODE (-errno) and TEXT. As above. */
	int (*problem)(void *arg, int code, const char *text);
	void *arg;
};

/* How many bytes of CP's content can be stored pages: damaged page maps must not have us read holes for days. */
uint64_t content_room(const struct fam_checkpoint *cp);

/* All pages of MAP. What is missing is told, not handed over: then DATA is called no more. 0 or -errno. */
int content_walk(struct content_walk *walk, const struct pagemap *map);

#endif
