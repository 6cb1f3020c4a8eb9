/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CRIU_RESTORE_HUGE_PAGES_H
#define CRIU_RESTORE_HUGE_PAGES_H

#include "restore/engine.h"

/*
 * Are enough huge pages free for the private areas of all tasks? Before any process exists, since they couldn't tell
 * more than that mmap(2) failed. 0 or -errno (cr_fail).
 */
int check_huge_pages(struct restore *r);

#endif
