/* SPDX-License-Identifier: GPL-2.0 */
/* Giving a mapped file all of its blocks before it is filled. */
#ifndef CRIU_PAGES_ALLOCATE_H
#define CRIU_PAGES_ALLOCATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Allocates what FD's file has not got below SIZE bytes; what it has stays. With TRY_HUGE (tmpfs), BASE being where it
 * is mapped, new parts get pages of 2 MiB where the kernel has some (MADV_COLLAPSE of madvise(2), Linux 6.1): they
 * are filled and mapped without a fault for each 4 KiB. CRIU_PAGES_HUGE=0 in the environment switches that off, 1
 * insists. 0 or -errno; -ENOSPC when there is no room.
 */
int pages_allocate(int fd, char *base, uint64_t size, bool try_huge);

#endif
