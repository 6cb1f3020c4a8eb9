/* SPDX-License-Identifier: GPL-2.0 */
/* Are pages of a mapping large? */
#ifndef CRIU_PAGES_HUGE_H
#define CRIU_PAGES_HUGE_H

#include <stddef.h>

/*
 * How many of the NR PLACES, addresses of a mapping of ours at multiples of 2 MiB, have a page of 2 MiB: 0 where the
 * kernel doesn't tell (PAGEMAP_SCAN, Linux 6.7). A page there is faulted in.
 */
unsigned pages_huge_among(const char *const *places, size_t nr);

#endif
