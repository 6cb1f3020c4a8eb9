/* SPDX-License-Identifier: GPL-2.0 */
#include "pages/unmap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <libpmem.h>

#include "pages/threads.h"

#define UNMAP_BESIDE (64ul << 20) /* from here on it is worth a thread */
#define UNMAP_STEP   (16ul << 20)

struct mapping {
	char *base;
	size_t len;
};

/* In steps that need the address space's lock for reading only, so that nobody waits for it. */
static void *unmap_run(void *arg)
{
	struct mapping *map = arg;

	for (size_t at = 0; at < map->len; at += UNMAP_STEP)
		madvise(map->base + at, map->len - at < UNMAP_STEP ? map->len - at : UNMAP_STEP, MADV_DONTNEED);
	pmem_unmap(map->base, map->len);
	free(map);
	return NULL;
}

static bool unmap_beside(void *base, size_t len)
{
	struct mapping *copy;
	pthread_t thread;

	if (len < UNMAP_BESIDE)
		return false;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return false;
	*copy = (struct mapping){ base, len };
	if (pages_thread_start(&thread, unmap_run, copy)) {
		free(copy);
		return false;
	}
	pthread_detach(thread);
	return true;
}

void pages_unmap(void *base, size_t len)
{
	if (base && !unmap_beside(base, len))
		pmem_unmap(base, len);
}
