/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The areas of a task's memory: /proc/PID/maps and /proc/PID/smaps. proc_pid_maps(5), proc_pid_smaps(5).
 *
 * Only smaps tells how an area was advised (VmFlags): PROCMAP_QUERY knows the protection alone, numa_maps
 * less. Its price is that the kernel visits every page table entry. Measured on Linux 6.18:
 *
 *   memory, areas                        maps      smaps
 *   16 MiB of 4 KiB pages, 30 areas      0.02 ms   0.3 ms
 *   1 GiB of 4 KiB pages, 30 areas       0.04 ms   10.5 ms
 *   16 MiB, 60,000 areas                 22 ms     150 ms
 *
 * so whoever does not need vm_flags reads maps.
 */
#ifndef CRIU_PROC_MAPS_H
#define CRIU_PROC_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* The bits of proc_map.vm_flags: one per pair of letters on a VmFlags line that we know. */
enum proc_vm_flag {
	PROC_VM_RD,
	PROC_VM_WR,
	PROC_VM_EX,
	PROC_VM_SH,
	PROC_VM_MR,
	PROC_VM_MW,
	PROC_VM_ME,
	PROC_VM_MS,
	PROC_VM_GD,    /* grows down */
	PROC_VM_PF,    /* pages without struct page */
	PROC_VM_LO,    /* locked */
	PROC_VM_LF,    /* lock on fault */
	PROC_VM_IO,    /* device memory */
	PROC_VM_SR,    /* sequential reads advised */
	PROC_VM_RR,    /* random reads advised */
	PROC_VM_DC,    /* not copied on fork */
	PROC_VM_DE,    /* mremap can't expand it */
	PROC_VM_AC,    /* accounted */
	PROC_VM_NR,    /* no swap reserved */
	PROC_VM_HT,    /* hugetlb */
	PROC_VM_SF,    /* synchronous page faults: DAX */
	PROC_VM_AR,    /* architecture specific */
	PROC_VM_WF,    /* wiped on fork */
	PROC_VM_DD,    /* not dumped to core files */
	PROC_VM_SD,    /* soft-dirty */
	PROC_VM_MM,    /* mixed map */
	PROC_VM_HG,    /* huge pages advised */
	PROC_VM_NH,    /* huge pages advised against */
	PROC_VM_MG,    /* mergeable */
	PROC_VM_UM,    /* userfaultfd: missing pages */
	PROC_VM_UW,    /* userfaultfd: write-protection */
	PROC_VM_UI,    /* userfaultfd: minor faults */
	PROC_VM_SS,    /* shadow stack */
	PROC_VM_SL,    /* sealed */
	PROC_VM_DP,    /* droppable under memory pressure */
	PROC_VM_DW,    /* nobody may write the file (until Linux 5.15) */
	PROC_VM_GU,    /* has or may have guard regions */
	PROC_VM_OTHER, /* letters that we don't know */
	PROC_VM_NR_FLAGS,
};
#define PROC_VM(x) (1ull << PROC_VM_##x)

struct proc_map {
	uint64_t start, end; /* bytes */
	uint64_t pgoff;	     /* bytes */
	uint32_t prot;	     /* PROT_* */
	bool shared;
	bool deleted; /* the name ended in " (deleted)", which was cut off */
	uint32_t dev_major, dev_minor;
	uint64_t ino;
	const char *name;  /* unescaped; "" where there is none; lives as long as the list */
	uint64_t vm_flags; /* PROC_VM(x) bits; 0 after proc_read_maps() */
	uint32_t pkey;	   /* protection key: pkeys(7) */
	uint64_t own_kib;  /* memory of the task's own, in RAM or swapped out: "Anonymous" and "Swap" of smaps */
};

struct proc_map_list {
	struct proc_map *v; /* ascending, not overlapping */
	size_t nr;
	char *names; /* what the names point into */
};

/*
 * PROCFD is a descriptor of /proc/PID, or of a captured tree. Each reads its file in one pass.
 * 0; -EBADMSG if the file isn't what a kernel writes; -errno. *RET goes with proc_map_list_free(); after an
 * error there is nothing to free.
 */
int proc_read_maps(int procfd, struct proc_map_list *ret);  /* "maps": no vm_flags */
int proc_read_smaps(int procfd, struct proc_map_list *ret); /* "smaps": everything, and walks every page */
/* The same of a text of LEN bytes. */
int proc_parse_maps(const char *text, size_t len, bool smaps, struct proc_map_list *ret);
void proc_map_list_free(struct proc_map_list *list);
#define _cleanup_proc_map_list_ __cleanup(proc_map_list_free)

#endif
