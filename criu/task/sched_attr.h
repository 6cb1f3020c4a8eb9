/* SPDX-License-Identifier: GPL-2.0 */
/* struct sched_attr as sched_setattr(2) documents its first version; glibc before 2.41 has none. */
#ifndef CRIU_TASK_SCHED_ATTR_H
#define CRIU_TASK_SCHED_ATTR_H

#include <stdint.h>

/* sched_attr.flags; images hold it as sched_setscheduler(2) takes it: SCHED_RESET_ON_FORK in the policy. */
#define SCHED_ATTR_RESET_ON_FORK 1u
/* SCHED_FLAG_RECLAIM and SCHED_FLAG_DL_OVERRUN. */
#define SCHED_ATTR_DEADLINE_FLAGS 6u

struct sched_attr_v0 {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;			    /* SCHED_OTHER, SCHED_BATCH, SCHED_IDLE */
	uint32_t priority;		    /* SCHED_FIFO, SCHED_RR */
	uint64_t runtime, deadline, period; /* SCHED_DEADLINE, in nanoseconds */
};

_Static_assert(sizeof(struct sched_attr_v0) == 48, "SCHED_ATTR_SIZE_VER0");

#endif
