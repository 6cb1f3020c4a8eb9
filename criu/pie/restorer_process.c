/* SPDX-License-Identifier: GPL-2.0 */
#include <compel/plugins/std.h>
#include <signal.h>
#include <sys/prctl.h>

#include "pie/restorer.h"

static void restore_rlimits(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_rlimits; i++) {
		const struct plan_rlimit *want = &args->rlimits[i];
		struct plan_rlimit have;

		/* Raising a hard limit takes CAP_SYS_RESOURCE; mostly nothing has to be changed. */
		check(args, OP_RLIMIT, sys_prlimit64(0, i, NULL, &have), i, 0);
		if (have.cur != want->cur || have.max != want->max)
			check(args, OP_RLIMIT, sys_prlimit64(0, i, want, NULL), i, want->max);
	}
}

/* Every action has been set to the default before. */
static void restore_sigactions(struct restorer_args *args)
{
	for (int sig = 1; sig <= PLAN_NSIG; sig++) {
		const struct plan_sigaction *sa = &args->sigactions[sig - 1];

		if (sa->handler || sa->flags || sa->mask || sa->restorer)
			check(args, OP_SIGACTION, sys_rt_sigaction(sig, sa, NULL, sizeof(sa->mask)), sig, 0);
	}
}

void restore_process(struct restorer_args *args)
{
	if (args->child_subreaper)
		check(args, OP_SUBREAPER, sys_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0, 0);
	for (uint32_t left = args->owns_memory ? args->membarrier : 0; left; left &= left - 1) {
		uint32_t command = left & -left;

		check(args, OP_MEMBARRIER, sys_membarrier(command, 0, 0), command, 0);
	}
	if (args->lock_future)
		check(args, OP_LOCK_FUTURE, sys_mlockall(args->lock_future), args->lock_future, 0);
	restore_rlimits(args);
	if (args->owns_handlers)
		restore_sigactions(args);
	if (args->owns_memory)
		restore_process_attributes(args);
}

void restore_timers_and_signals(struct restorer_args *args)
{
	/* Changed credentials have cleared it, in any of the threads; 2 can't be set: it is what they made of it. */
	if (args->dumpable <= 1)
		check(args, OP_DUMPABLE, sys_prctl(PR_SET_DUMPABLE, args->dumpable, 0, 0, 0), args->dumpable, 0);
	restore_overruns(args, 0);
	for (uint32_t i = 0; i < args->nr_signals; i++)
		if (!signal_by_timer(args, 0, &args->signals[i]))
			check(args, OP_SIGNAL,
			      sys_rt_sigqueueinfo(args->pid, args->signals[i].signo, (void *)&args->signals[i]),
			      args->signals[i].signo, 0);
	start_timers(args);
	for (int i = 0; i < 3; i++) {
		const struct plan_itimer *it = &args->itimers[i];

		if (it->value_sec || it->value_usec)
			check(args, OP_ITIMER, sys_setitimer(i, it, NULL), i, 0);
	}
}
