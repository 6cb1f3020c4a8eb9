/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The restorer: code that stands alone in a task while everything else of it is replaced. It is given its region
 * and struct restorer_args, ends with all threads stopped in stop_self(), and is then unmapped by the engine.
 */
#include "pie/restorer.h"

#include <compel/plugins/std.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>

#include "pie/arch/x86/user_flags.h"

__attribute__((noreturn)) void give_up(struct restorer_args *args, enum restorer_op op, long err, uint64_t a,
				       uint64_t b)
{
	struct restore_slot *slot = args->slot;

	/* The first of several threads tells. */
	if (__atomic_exchange_n(&slot->err_tid, sys_gettid(), __ATOMIC_ACQ_REL) == 0) {
		slot->op = op;
		slot->arg[0] = a;
		slot->arg[1] = b;
		__atomic_store_n(&slot->err, (int32_t)err, __ATOMIC_RELEASE);
		sys_exit_group(1);
	}
	for (;;)
		sys_exit(1);
}

void enter_stage(struct restorer_args *args, enum restore_stage stage)
{
	__atomic_store_n(&args->slot->stage, stage, __ATOMIC_RELEASE);
	if (args->fault_stage == stage)
		give_up(args, OP_FAULT, -5, stage, 0);
}

void stop_self(struct restorer_args *args)
{
	sys_tgkill(args->pid, sys_gettid(), SIGSTOP);
}

void wait_while(uint32_t *futex, uint32_t value)
{
	while (__atomic_load_n(futex, __ATOMIC_ACQUIRE) == value)
		sys_futex(futex, FUTEX_WAIT, value, NULL, NULL, 0);
}

void count_down(uint32_t *futex)
{
	if (!__atomic_sub_fetch(futex, 1, __ATOMIC_ACQ_REL))
		sys_futex(futex, FUTEX_WAKE, 0x7fffffff, NULL, NULL, 0);
}

static void wait_for_zero(uint32_t *futex)
{
	uint32_t left;

	while ((left = __atomic_load_n(futex, __ATOMIC_ACQUIRE)))
		wait_while(futex, left);
}

/* Only the tracer takes a thread away from here. */
static __attribute__((noreturn)) void park(struct plan_thread *th)
{
	set_user_flags(th->user_flags);
	for (;;)
		stop_self(th->args);
}

static int thread_main(void *arg);

static void create_thread(struct restorer_args *args, struct plan_thread *th)
{
	int32_t tid = th->tid;
	struct clone_args clone = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		.stack = th->stack_start,
		.stack_size = th->stack_size,
		.set_tid = (uintptr_t)&tid,
		.set_tid_size = 1,
	};

	prepare_birth(th);
	check(args, OP_CLONE, std_clone3(&clone, sizeof(clone), thread_main, th), tid, 0);
}

/* Seccomp sleeps as long as the tracer holds us: it forbids nothing yet. */
static void install_filter(struct restorer_args *args, uint32_t nr)
{
	const struct plan_filter *f = &args->filters[nr];
	struct sock_fprog program = { f->nr, (struct sock_filter *)f->code };

	/* It changes how we speculate where the kernel's default is so, and it was that before. */
	check(args, OP_SECCOMP,
	      sys_seccomp(SECCOMP_SET_MODE_FILTER, f->flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program), nr, f->nr);
}

static void take_steps(struct plan_thread *th)
{
	struct restorer_args *args = th->args;

	for (uint64_t i = 0; i < th->nr_steps; i++) {
		const struct plan_step *step = &th->steps[i];

		switch (step->kind) {
		case STEP_THREAD:
			create_thread(args, &args->threads[step->nr]);
			if (th != args->threads)
				count_down(&args->relayed_left);
			break;
		case STEP_FILTER:
			install_filter(args, step->nr);
			break;
		case STEP_STRICT:
			check(args, OP_SECCOMP, sys_seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL), 0, 0);
			break;
		}
	}
}

static int thread_main(void *arg)
{
	struct plan_thread *th = arg;

	take_steps(th);
	restore_thread(th);
	restore_thread_signals(th);
	count_down(&th->args->threads_left);
	park(th);
}

void restorer_entry(struct restorer_args *args);

void restorer_entry(struct restorer_args *args)
{
	uint64_t all = ~0ull;

	sys_rt_sigprocmask(SIG_SETMASK, &all, NULL, sizeof(all));
	enter_stage(args, STAGE_BLOB);
	if (args->owns_memory) {
		wait_for_zero(&args->guests_left);
		restore_memory(args);
	} else {
		count_down(&args->memory_owner->guests_left);
	}
	enter_stage(args, STAGE_MEMORY);
	count_down(&args->shared->memory.left);
	wait_for_zero(&args->shared->memory.left);

	enter_stage(args, STAGE_THREADS);
	if (args->owns_fds)
		check(args, OP_CLOSE_FDS, sys_close_range(args->first_service_fd, ~0u, 0), args->first_service_fd, 0);
	take_steps(&args->threads[0]);
	restore_process(args);
	wait_for_zero(&args->relayed_left);
	if (args->early_timers)
		create_timers(args);
	restore_thread(&args->threads[0]);
	if (!args->early_timers)
		create_timers(args);
	restore_thread_signals(&args->threads[0]);
	wait_for_zero(&args->threads_left);
	restore_timers_and_signals(args);
	enter_stage(args, STAGE_PARKED);
	park(&args->threads[0]);
}
