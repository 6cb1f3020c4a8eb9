/* SPDX-License-Identifier: GPL-2.0 */
/* What a dump or a restore counts: plain data, filled by the engine, written by image/stats.c. Times are in us. */
#ifndef CRIU_BASE_STATS_H
#define CRIU_BASE_STATS_H

#include <stdint.h>

struct cr_dump_stats {
	uint64_t freezing_time; /* until every task was stopped */
	uint64_t frozen_time;	/* while they were */
	uint64_t memdump_time;	/* in collecting and storing pages */
	uint64_t memwrite_time; /* of it, in writing them out */
	uint64_t pages_scanned;
	uint64_t pages_skipped_parent;
	uint64_t pages_written;
	uint64_t pages_lazy;
	uint64_t page_pipes;
	uint64_t page_pipe_bufs;
	uint64_t shpages_scanned;
	uint64_t shpages_skipped_parent;
	uint64_t shpages_written;
};

struct cr_restore_stats {
	uint64_t pages_compared;
	uint64_t pages_skipped_cow;
	uint64_t pages_restored;
	uint64_t forking_time; /* until every task existed */
	uint64_t restore_time; /* until they run */
};

struct cr_stats {
	struct cr_dump_stats dump;
	struct cr_restore_stats restore;
};

#endif
