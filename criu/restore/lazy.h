/* SPDX-License-Identifier: GPL-2.0 */
/*
 * --fam-restore=lazy: the tasks run at once, and a pager brings private anonymous pages when they are touched. All else
 * is there before, and so are the pages that the kernel touches where nobody is served: of threads that end.
 * Documentation/design/pager.md.
 */
#ifndef CRIU_RESTORE_LAZY_H
#define CRIU_RESTORE_LAZY_H

#include "restore/engine.h"

static inline bool lazy_wanted(const struct restore *r)
{
	return r->opts->fam_restore == FAM_RESTORE_LAZY;
}

/* Can the kernel? 0 or -EOPNOTSUPP (cr_fail). */
int lazy_check(struct restore *r);
/* Can the memory of RT come so? */
bool lazy_possible(const struct restore *r, const struct restore_task *rt);
/* RT has stopped with its areas registered at UFFD, which is borrowed: brings what must be there. 0 or -errno
 * (cr_fail). */
int lazy_take(struct restore *r, struct restore_task *rt, int uffd);
/* All tasks are parked: starts the pager, if there is anything for it. 0 or -errno (cr_fail). */
int lazy_start(struct restore *r);
/* The tasks are committed. */
void lazy_go(struct restore *r);
/* The restore failed. */
void lazy_cancel(struct restore *r);
void lazy_free(struct restore *r);

#endif
