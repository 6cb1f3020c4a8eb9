/* SPDX-License-Identifier: GPL-2.0 */
/* Freeing checkpoints that nobody will restore. */
#ifndef CRIU_FAM_TOOLS_GC_H
#define CRIU_FAM_TOOLS_GC_H

#include "fam/pool.h"

enum gc_verdict {
	GC_STAYS,
	GC_INCOMPLETE, /* what a killed dump left: freed whenever a pool is opened to write */
	GC_ORPHAN,
	GC_KEPT,       /* an orphan, but FAM_KEEP */
	GC_NEW_ORPHAN, /* nobody has noted it yet: the time of grace begins now */
	GC_WAITS       /* an orphan, but for less than the time of grace */
};

/*
 * Whether it goes at NOW (seconds since 1970), with orphans if ORPHANS; those stay that were first seen to be ones less
 * than GRACE seconds ago. A directory may be on a file system that isn't mounted just now: how old a checkpoint is
 * tells nothing.
 */
enum gc_verdict gc_judge(const struct fam_info *info, bool orphans, uint64_t grace, uint64_t now);
/* Notes in POOL (FAM_WRITE) what VERDICT means for the next time: since when it is an orphan, or that it isn't. 0 or
 * -errno. */
int gc_note(struct fam_pool *pool, const struct fam_info *info, enum gc_verdict verdict, uint64_t now);

#endif
