/* SPDX-License-Identifier: GPL-2.0 */
/* Freeing checkpoints that nobody will restore. */
#ifndef CRIU_FAM_TOOLS_GC_H
#define CRIU_FAM_TOOLS_GC_H

#include "fam/pool.h"

enum gc_verdict {
	GC_STAYS,
	GC_INCOMPLETE, /* what a killed dump left: freed whenever a pool is opened to write */
	GC_ORPHAN,
	GC_KEPT,     /* an orphan, but FAM_KEEP */
	GC_TOO_YOUNG /* an orphan, but younger than the grace period */
};

/* Whether it goes at NOW (seconds since 1970), with orphans if ORPHANS; those younger than GRACE seconds stay. */
enum gc_verdict gc_judge(const struct fam_info *info, bool orphans, uint64_t grace, uint64_t now);

#endif
