/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pager of a restored tree: a process that brings missing pages when the tasks touch them (userfaultfd(2)), fills
 * the rest in the background, and leaves. A second one, its guardian, goes on if it dies; if both die, the kernel kills
 * the tasks. Documentation/design/pager.md.
 */
#ifndef CRIU_PAGER_PAGER_H
#define CRIU_PAGER_PAGER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "pager/memory.h"

/* One address space whose areas are registered for missing pages, and for the events PAGER_FEATURES. */
struct pager_job {
	int uffd; /* borrowed: must be closed by the caller when the pager has started */
	pid_t pid;
	struct pager_memory *memory; /* borrowed; its sources are mapped here */
};

/* Of UFFDIO_API. */
#define PAGER_FEATURES                                                                                                 \
	(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP)

struct pager_args {
	const struct pager_job *jobs;
	size_t nr_jobs;
	const pid_t *pids; /* all that die if pager and guardian do: processes, negative numbers are process groups */
	size_t nr_pids;
	const int *fds; /* what else it has to keep open so that its sources stay */
	size_t nr_fds;
	const uint32_t *committed; /* shared memory: the tasks shall live; else it ends with the engine */
};

/* In the engine. */
struct pager_handle {
	int go;	   /* pipe */
	int pidfd; /* of the pager */
};

/*
 * Starts pager and guardian: when it returns 0 faults are served. They aren't children of ours. -errno (cr_fail).
 * CRIU_PAGER_FILL=0 in the environment: nothing is filled in the background.
 */
int pager_start(struct cr_ctx *ctx, const struct pager_args *args, struct pager_handle *ret);
/* The tasks run from now on: it may fill, and leave. */
void pager_go(struct pager_handle *handle);
/* The restore failed: waits until it is gone. Fine when there is none (descriptors -1). */
void pager_cancel(struct pager_handle *handle);

#endif
