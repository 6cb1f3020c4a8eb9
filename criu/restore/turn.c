/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/turn.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "restore/arch.h"
#include "restore/fork.h"
#include "restore/task_run.h"

#define STACK_SIZE (1ul << 20)
#define GUARD_SIZE (64ul << 10)

enum { TURN_FREE, TURN_TAKEN, TURN_WANTED };

/* What a process that is born on a stack of its own finds at its end. */
struct newborn {
	struct restore *r;
	struct restore_task *rt;
};

/* By ourselves: syscall(2) would write errno, which is that of the one who has the turn. */
void wait_on(uint32_t *futex, uint32_t value)
{
	while (__atomic_load_n(futex, __ATOMIC_ACQUIRE) == value)
		raw_syscall(SYS_futex, (uintptr_t)futex, FUTEX_WAIT, value, 0);
}

void wake_all(uint32_t *futex)
{
	raw_syscall(SYS_futex, (uintptr_t)futex, FUTEX_WAKE, INT32_MAX, 0);
}

void turn_give(struct restore_task *rt)
{
	uint32_t *turn = &rt->owner[SHARE_VM]->turn;

	if (__atomic_exchange_n(turn, TURN_FREE, __ATOMIC_ACQ_REL) == TURN_WANTED)
		wake_all(turn);
}

void turn_take(struct restore *r, struct restore_task *rt)
{
	uint32_t *turn = &rt->owner[SHARE_VM]->turn, was = TURN_FREE;

	/* Whoever had to wait doesn't know if it was the only one. */
	if (!__atomic_compare_exchange_n(turn, &was, TURN_TAKEN, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		while (__atomic_exchange_n(turn, TURN_WANTED, __ATOMIC_ACQ_REL) != TURN_FREE)
			wait_on(turn, TURN_WANTED);
	task_set_prefix(r, rt);
}

void turn_begin(struct restore *r, struct restore_task *rt)
{
	if (is_guest(rt, SHARE_VM))
		turn_take(r, rt);
	else
		rt->turn = TURN_TAKEN;
}

static void begin(void *arg)
{
	struct newborn *n = arg;

	become_task(n->r, n->rt);
	task_run(n->r, n->rt);
}

pid_t turn_clone(struct restore *r, struct restore_task *rt, const struct clone_args *args)
{
	struct clone_args with_stack = *args;
	struct newborn *n;
	char *stack;
	long got;

	/* It goes with the rest of our memory. */
	stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED || mprotect(stack, GUARD_SIZE, PROT_NONE))
		return -1;
	n = (struct newborn *)(stack + STACK_SIZE) - 1;
	*n = (struct newborn){ r, rt };
	with_stack.stack = (uintptr_t)stack;
	with_stack.stack_size = STACK_SIZE - sizeof(*n);
	got = clone3_on_stack(&with_stack, sizeof(with_stack), begin, n);
	if (got >= 0)
		return got;
	munmap(stack, STACK_SIZE);
	errno = -got;
	return -1;
}
