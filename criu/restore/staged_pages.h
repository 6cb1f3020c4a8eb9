/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks read some of their pages themselves: copied pages of private file mappings, huge pages, AIO rings, and little
 * amounts of others. Where the source isn't a file (device-DAX, hugetlbfs) these stand in a memfd meanwhile.
 */
#ifndef CRIU_RESTORE_STAGED_PAGES_H
#define CRIU_RESTORE_STAGED_PAGES_H

#include "restore/engine.h"

/*
 * When all memory is planned: makes rt->staged_fd where one is needed, and changes the plans' offsets to those in it.
 * 0; -EIO: bad memory; -errno (cr_fail).
 */
int staged_pages_make(struct restore *r);

#endif
