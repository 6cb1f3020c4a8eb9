/* SPDX-License-Identifier: GPL-2.0 */
#include "image/image.h"
#include "image/stats.h"

#include "stats.pb-c.h"

static uint32_t cut(uint64_t us)
{
	return us < UINT32_MAX ? us : UINT32_MAX;
}

int stats_write_dump(int work_dirfd, const struct cr_dump_stats *stats)
{
	DumpStatsEntry dump = DUMP_STATS_ENTRY__INIT;
	StatsEntry entry = STATS_ENTRY__INIT;

	dump.freezing_time = cut(stats->freezing_time);
	dump.frozen_time = cut(stats->frozen_time);
	dump.memdump_time = cut(stats->memdump_time);
	dump.memwrite_time = cut(stats->memwrite_time);
	dump.pages_scanned = stats->pages_scanned;
	dump.pages_skipped_parent = stats->pages_skipped_parent;
	dump.pages_written = stats->pages_written;
	dump.has_irmap_resolve = true;
	dump.pages_lazy = stats->pages_lazy;
	dump.has_page_pipes = true;
	dump.page_pipes = stats->page_pipes;
	dump.has_page_pipe_bufs = true;
	dump.page_pipe_bufs = stats->page_pipe_bufs;
	dump.has_shpages_scanned = true;
	dump.shpages_scanned = stats->shpages_scanned;
	dump.has_shpages_skipped_parent = true;
	dump.shpages_skipped_parent = stats->shpages_skipped_parent;
	dump.has_shpages_written = true;
	dump.shpages_written = stats->shpages_written;
	entry.dump = &dump;
	return image_write_single(work_dirfd, IMG_STATS_DUMP, &entry.base);
}

int stats_write_restore(int work_dirfd, const struct cr_restore_stats *stats)
{
	RestoreStatsEntry restore = RESTORE_STATS_ENTRY__INIT;
	StatsEntry entry = STATS_ENTRY__INIT;

	restore.pages_compared = stats->pages_compared;
	restore.pages_skipped_cow = stats->pages_skipped_cow;
	restore.forking_time = cut(stats->forking_time);
	restore.restore_time = cut(stats->restore_time);
	restore.has_pages_restored = true;
	restore.pages_restored = stats->pages_restored;
	entry.restore = &restore;
	return image_write_single(work_dirfd, IMG_STATS_RESTORE, &entry.base);
}
