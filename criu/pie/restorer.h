/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of the restorer blob. Nothing returns an error: what fails ends the task with its reason told. */
#ifndef CRIU_PIE_RESTORER_H
#define CRIU_PIE_RESTORER_H

#include "pie/plan.h"

/* Tells the engine what failed and ends the task. ERR is -errno, A and B what it was about. */
__attribute__((noreturn)) void give_up(struct restorer_args *args, enum restorer_op op, long err, uint64_t a,
				       uint64_t b);

/* Where ERR is negative. */
static inline void check(struct restorer_args *args, enum restorer_op op, long err, uint64_t a, uint64_t b)
{
	if (err < 0)
		give_up(args, op, err, a, b);
}

void enter_stage(struct restorer_args *args, enum restore_stage stage);
/* Stops the calling thread for its tracer; returns when that lets it go on. */
void stop_self(struct restorer_args *args);
/* Waits while *FUTEX is VALUE. */
void wait_while(uint32_t *futex, uint32_t value);
/* Takes one off *FUTEX and wakes who waits for it when none is left. */
void count_down(uint32_t *futex);

/* Gives memory each advice of MADV: bit N is advice N. */
void advise(struct restorer_args *args, uint64_t start, uint64_t len, uint64_t madv);
/* AIO contexts: at their places, with as many unread events, before pages are read; what is theirs alone afterwards. */
void create_rings(struct restorer_args *args);
void finish_rings(struct restorer_args *args);

/* From an address space with anything in it to the task's own, complete. */
void restore_memory(struct restorer_args *args);
/* Limits, signal actions, attributes: what threads share. */
void restore_process(struct restorer_args *args);
/* Interval timers and pending signals, at the very end. */
void restore_timers_and_signals(struct restorer_args *args);
/* What the calling thread has for itself. */
void restore_thread(struct plan_thread *th);
/* Waits for the timers; the signals that are pending for the calling thread alone. */
void restore_thread_signals(struct plan_thread *th);

/* POSIX timers: those of the process are created by the first thread. */
void create_timers(struct restorer_args *args);
/* Those that notify thread TID (0: the process) get the count of expirations that the last signal told. */
void restore_overruns(struct restorer_args *args, int32_t tid);
/*
 * INFO is of a pending signal that TID (0: the process) has: if a timer has sent it the timer sends it again. False
 * where it has to be queued.
 */
int signal_by_timer(struct restorer_args *args, int32_t tid, const struct plan_siginfo *info);
void start_timers(struct restorer_args *args);
void restore_creds(struct plan_thread *th);

/* Before memory is mapped: what new areas are made by. */
void restore_memory_attributes(struct restorer_args *args);
/* Once it is mapped, before it is filled. */
void restore_area_policies(struct restorer_args *args);
/* The calling thread takes on what thread TH, which it creates next, inherits from its creator alone. */
void prepare_birth(const struct plan_thread *th);
/* What the calling thread has for itself, while it may do anything. */
void restore_thread_attributes(struct plan_thread *th);
/* What comes last: no more executable memory after it. */
void restore_process_attributes(struct restorer_args *args);

#endif
