/* SPDX-License-Identifier: GPL-2.0 */
/* POSIX timers in core images: timer_create(2). */
#ifndef CRIU_TASK_POSIX_TIMERS_H
#define CRIU_TASK_POSIX_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "core.pb-c.h"
#include "pie/parasite.h"
#include "pie/plan.h"
#include "proc/timers.h"
#include "task/task.h"

/*
 * Clocks of CPU time: a pid, inverted, above three bits that tell of what; pid 0 is who asks. The kernel gives
 * CLOCK_PROCESS_CPUTIME_ID and CLOCK_THREAD_CPUTIME_ID in this form, too.
 */
#define CPU_CLOCK(pid, type)	((int)(~(unsigned)(pid) << 3 | (type)))
#define CPU_CLOCK_PID(clock)	((pid_t) ~((clock) >> 3))
#define CPU_CLOCK_OF_THREAD	4 /* a bit of the type */
#define CPU_CLOCK_KIND(clock)	((clock)&3)
#define CPU_CLOCK_OF_DESCRIPTOR 3 /* no CPU time: a device's clock */
#define OWN_PROCESS_CLOCK	CPU_CLOCK(0, 2)
#define OWN_THREAD_CLOCK	CPU_CLOCK(0, 6)

/* Can a timer of that clock, in a process of these threads, be made again? */
bool posix_clock_known(int clock, const struct task *task);

/* One that is dumped. */
struct posix_timer {
	struct proc_timer proc;
	struct parasite_timer inside;
	int clock; /* the one to create it with */
	bool sent; /* its signal waited already when it was looked at */
};

struct posix_timers {
	struct posix_timer *v; /* by ascending id */
	size_t nr;
};

static inline void posix_timers_free(struct posix_timers *timers)
{
	free(timers->v);
	*timers = (struct posix_timers){ 0 };
}

/* As the others want them. */
void posix_timers_sort(struct posix_timers *timers);
/* Notes whose signals are in QUEUE, of the process (TID 0) or of a thread. */
void posix_timers_note_sent(struct posix_timers *timers, pid_t tid, const SignalQueueEntry *queue);
/*
 * Takes those out of QUEUE that were sent after the timers had been looked at: the image holds the timers as they were,
 * and they send them again.
 */
void posix_timers_drop_late(const struct posix_timers *timers, pid_t tid, SignalQueueEntry *queue);
/* Fills E->posix. -ENOMEM. */
int posix_timers_dump(const struct posix_timers *timers, TaskTimersEntry *e);

/* Of images: sorts E->posix by id; refuses what is damaged or can't be made again. 0 or -errno, explained. */
int posix_timers_validate(struct cr_ctx *ctx, const struct task *task, TaskTimersEntry *e);

/* Of a validated entry of the task with these CORES, to RET, which has room for all. */
void posix_timers_to_plan(const struct task *task, CoreEntry *const *cores, struct plan_timer *ret);
/* The highest id is too far for a kernel that can't be told it. */
bool posix_timers_too_high(const TaskTimersEntry *e);
/* Some clocks take a capability (CAP_WAKE_ALARM). */
bool posix_timers_need_privilege(const TaskTimersEntry *e);

#endif
