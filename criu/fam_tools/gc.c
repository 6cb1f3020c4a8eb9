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
	if (!grace)
		return GC_ORPHAN;
	/* Noted in the future: the clock was set back, and nobody knows since when it is one. */
	if (!info->orphan_since || info->orphan_since > now)
		return GC_NEW_ORPHAN;
	return now - info->orphan_since < grace ? GC_WAITS : GC_ORPHAN;
}

int gc_note(struct fam_pool *pool, const struct fam_info *info, enum gc_verdict verdict, uint64_t now)
{
	if (verdict == GC_NEW_ORPHAN)
		return fam_checkpoint_note_orphan(pool, info->id, now);
	if (info->orphan_since && info->state == FAM_COMMITTED)
		return fam_checkpoint_note_orphan(pool, info->id, 0);
	return 0;
}
