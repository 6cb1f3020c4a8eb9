/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/gc.h"

enum gc_verdict gc_judge(const struct fam_info *info, bool orphans, uint64_t grace, uint64_t now)
{
	if (info->state == FAM_INCOMPLETE)
		return GC_INCOMPLETE;
	if (info->state != FAM_ORPHAN || !orphans)
		return GC_STAYS;
	if (info->flags & FAM_KEEP)
		return GC_KEPT;
	/* Made in the future: the clock was set back, and nobody knows how old it is. */
	return info->created > now || now - info->created < grace ? GC_TOO_YOUNG : GC_ORPHAN;
}
