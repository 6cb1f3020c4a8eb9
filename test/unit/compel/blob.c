/* SPDX-License-Identifier: GPL-2.0 */
#include <compel/plugins/std.h>

#include "blob.h"

static int calls = 40;
static int zero_calls;

static int sum(struct test_args *args)
{
	int total = 0;

	for (int i = 0; i < 4; i++)
		total += args->values[i];
	args->pid = sys_getpid();
	args->tid = sys_gettid();
	return total;
}

static int count(struct test_args *args)
{
	(void)args;
	zero_calls++;
	calls++;
	return calls + zero_calls;
}

static int fault(struct test_args *args)
{
	int value;

	(void)args;
	__asm__ volatile("movl 8, %0" : "=r"(value));
	return value;
}

static int ill(struct test_args *args)
{
	(void)args;
	__asm__ volatile("ud2");
	return 0;
}

static int pause_here(struct test_args *args)
{
	args->started = 1;
	while (!args->go)
		sys_sched_yield();
	return 7;
}

static int kill_self(struct test_args *args)
{
	(void)args;
	sys_kill(sys_getpid(), 9);
	return 0;
}

static int copy(struct test_args *args)
{
	std_copy_nt(args->data + args->to, args->data + args->from, args->size);
	return 0;
}

static int signal_self(struct test_args *args)
{
	sys_tgkill(sys_getpid(), sys_gettid(), args->values[0]);
	return 3;
}

static int breakpoint(struct test_args *args)
{
	(void)args;
	__asm__ volatile("int3");
	return 0;
}

/* Pointers in data need relocations. */
static int (*const table[])(struct test_args *) = {
	[TEST_SUM] = sum,   [TEST_COUNT] = count,	 [TEST_FAULT] = fault,
	[TEST_ILL] = ill,   [TEST_PAUSE] = pause_here,	 [TEST_KILL] = kill_self,
	[TEST_COPY] = copy, [TEST_SIGNAL] = signal_self, [TEST_BREAK] = breakpoint,
};

int parasite_entry(unsigned int cmd, void *data)
{
	if (cmd >= sizeof(table) / sizeof(table[0]) || !table[cmd])
		return -22;
	return table[cmd](data);
}
