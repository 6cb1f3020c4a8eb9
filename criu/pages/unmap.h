/* SPDX-License-Identifier: GPL-2.0 */
/* Taking a large mapping down without anybody waiting for it. */
#ifndef CRIU_PAGES_UNMAP_H
#define CRIU_PAGES_UNMAP_H

#include <stddef.h>

/*
 * Unmaps LEN bytes at BASE, which pmem_map_file(3) or mmap(2) gave: beside us in a thread where that takes long (40 ms
 * per GiB of page table entries), so they may stay mapped for a while. NULL is fine.
 */
void pages_unmap(void *base, size_t len);

#endif
