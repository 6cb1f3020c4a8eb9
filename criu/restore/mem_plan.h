/* SPDX-License-Identifier: GPL-2.0 */
/* Lowers a task's areas and pages to plain data: what the restorer maps and reads, and what is filled from outside. */
#ifndef CRIU_RESTORE_MEM_PLAN_H
#define CRIU_RESTORE_MEM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "mem/extra.h"
#include "mem/mm.h"
#include "mem/pagemap.h"
#include "mem/vdso.h"
#include "pages/source.h"
#include "pie/plan.h"
#include "restore/fill.h"

enum area_source { AREA_ANON, AREA_FILE, AREA_SEGMENT, AREA_MEMFD, AREA_SYSV };

/* Where an area's descriptor comes from, once there is one. */
struct area_file {
	enum area_source kind;
	uint64_t id;   /* of the file, or of the shared segment */
	bool writable; /* of a file or memfd: shared and opened for writing */
};

struct mem_plan {
	struct plan_area *areas; /* all below are owned */
	struct area_file *files; /* one per area */
	size_t nr_areas, room_areas;
	size_t nr_guards; /* of the areas: guard regions, behind the others */
	struct plan_read *reads;
	size_t nr_reads, room_reads;
	struct plan_iov *iovs;
	size_t nr_iovs, room_iovs;
	uint64_t reads_end; /* where the last read ends in the pages file, bytes */
	struct plan_ring *rings;
	size_t nr_rings;
	struct page_run_at *fill_runs; /* what comes from outside */
	size_t nr_fill_runs, room_fill_runs;
	struct page_run_at *lazy_runs; /* what comes when the tasks run */
	size_t nr_lazy_runs, room_lazy_runs;
	struct plan_iov *huge; /* of FILL_RUNS: whole huge pages, that the restorer populates before */
	size_t nr_huge, room_huge;
	uint64_t nr_pages; /* all together */

	struct plan_move moves[PLAN_NR_MOVES]; /* aside is not set yet */
	size_t nr_moves;
	uint64_t proxy_addr, proxy_len;
	void *proxy; /* NULL: the live vDSO stands where the old one stood */
};

/* Which areas get huge pages where all of one is stored: transparent_hugepage/enabled of sysfs. */
enum huge_mode { HUGE_NEVER, HUGE_ADVISED, HUGE_ALWAYS };

/*
 * Plans the memory of task PID out of a validated MM and its PAGEMAP (NULL: no pages), whose private anonymous
 * pages come in WAY. 0; -EINVAL: pages where no area can have them; -EOPNOTSUPP by name. mem_plan_free() in any case.
 */
int mem_plan_areas(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm, const struct pagemap *pagemap, enum fill_way way,
		   enum huge_mode huge, struct mem_plan *plan);
/* What the areas of a validated entry are beyond what mem_plan_areas() has planned. */
void mem_plan_extra(const MmExtraEntry *extra, struct mem_plan *plan);
/*
 * Plans the vDSO: if the one in the images (its pages are read from SRC) is the same as LIVE, the live one is moved
 * there; else the old one gets jumps to it. TASK_SIZE: the end of user addresses.
 */
int mem_plan_vdso(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm, const struct pagemap *pagemap,
		  const struct page_source *src, const struct vdso_live *live, uint64_t task_size,
		  struct mem_plan *plan);
/* Plans the AIO contexts, by what mem_plan_areas() has planned and the pages of their rings, which SRC has. */
int mem_plan_rings(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm, const struct pagemap *pagemap,
		   const struct page_source *src, struct mem_plan *plan);
void mem_plan_free(struct mem_plan *plan);
/* The flags of mmap(2) that make V. */
uint32_t mem_plan_flags(const VmaEntry *v);

/*
 * The next LEN bytes at or above *ADDR, below TASK_SIZE, that no area of MM and none of PLAN's moves takes.
 * 0 and *ADDR, or -ENOMEM.
 */
int mem_plan_gap(const MmEntry *mm, const struct mem_plan *plan, uint64_t task_size, uint64_t len, uint64_t *addr);

#endif
