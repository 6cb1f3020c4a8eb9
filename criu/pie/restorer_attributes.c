/* SPDX-License-Identifier: GPL-2.0 */
#include <asm/prctl.h>
#include <compel/plugins/std.h>

#include "base/prctl.h"
#include "pie/restorer.h"

#define WRITE_LDT 0x11 /* modify_ldt(2) */

#define NODES_MAX (PLAN_NODE_WORDS * 64)

static void set_policy(struct plan_thread *th)
{
	const struct plan_policy *p = &th->attributes.policy;

	/* The default, which is 0, takes no nodes. */
	if (th->attributes.set & PLAN_SET_POLICY)
		check(th->args, OP_POLICY,
		      sys_set_mempolicy(p->mode, p->mode ? (const unsigned long *)p->nodes : NULL, NODES_MAX), p->mode,
		      0);
}

void restore_memory_attributes(struct restorer_args *args)
{
	if (args->thp_disabled)
		check(args, OP_THP, sys_prctl(PR_SET_THP_DISABLE, 1, args->thp_flags, 0, 0), 0, 0);
	if (args->memory_merge)
		check(args, OP_MEMORY_MERGE, sys_prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0), 0, 0);
	set_policy(&args->threads[0]);
}

/* Both are sorted. */
void restore_area_policies(struct restorer_args *args)
{
	const struct plan_area *a = args->areas, *end = a + args->nr_areas;

	for (uint32_t i = 0; i < args->nr_area_policies; i++) {
		const struct plan_area_policy *p = &args->area_policies[i];

		while (a < end && (a->start < p->start || a->how & PLAN_AREA_GUARD))
			a++;
		if (a == end || a->start != p->start)
			give_up(args, OP_AREA_POLICY, -2, p->start, p->policy.mode);
		check(args, OP_AREA_POLICY,
		      sys_mbind((void *)a->start, a->len, p->policy.mode, (const unsigned long *)p->policy.nodes,
				NODES_MAX, 0),
		      p->start, p->policy.mode);
	}
}

void prepare_birth(const struct plan_thread *th)
{
	if (th->attributes.set & PLAN_SET_SLACK)
		sys_prctl(PR_SET_TIMERSLACK, th->attributes.timer_slack_default, 0, 0, 0);
}

static void set_speculation(struct plan_thread *th)
{
	for (uint32_t which = 0; which < PLAN_NR_SPECULATION; which++) {
		uint32_t value = th->attributes.speculation[which];

		if (value)
			check(th->args, OP_SPECULATION, sys_prctl(PR_SET_SPECULATION_CTRL, which, value, 0, 0), which,
			      value);
	}
}

void restore_thread_attributes(struct plan_thread *th)
{
	const struct plan_attributes *at = &th->attributes;
	struct restorer_args *args = th->args;

	if (!at->set)
		return;
	/* The leader that restored the memory has set its own before. */
	if (th != &args->threads[0] || !args->owns_memory)
		set_policy(th);
	/* A slack of zero would mean the default, which it is born with. */
	if (at->set & PLAN_SET_SLACK)
		sys_prctl(PR_SET_TIMERSLACK, at->timer_slack ?: at->timer_slack_default, 0, 0, 0);
	if (at->set & PLAN_SET_PERSONALITY)
		check(args, OP_PERSONALITY, sys_personality(at->personality), at->personality, 0);
	if (at->set & PLAN_SET_SPECULATION)
		set_speculation(th);
	if (at->set & PLAN_SET_MCE_KILL)
		check(args, OP_MCE_KILL, sys_prctl(PR_MCE_KILL, PR_MCE_KILL_SET, at->mce_kill, 0, 0), at->mce_kill, 0);
	if (at->set & PLAN_SET_IO_FLUSHER)
		check(args, OP_IO_FLUSHER, sys_prctl(PR_SET_IO_FLUSHER, at->io_flusher, 0, 0, 0), 0, 0);
	if (at->set & PLAN_SET_TSC)
		check(args, OP_TSC, sys_prctl(PR_SET_TSC, at->tsc, 0, 0, 0), 0, 0);
	if (at->set & PLAN_SET_CPUID)
		check(args, OP_CPUID, sys_arch_prctl(ARCH_SET_CPUID, !at->cpuid_faults), 0, 0);
}

void restore_process_attributes(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_segments; i++) {
		struct plan_segment segment = args->segments[i];

		/* The call doesn't extend the sign. */
		check(args, OP_SEGMENT, (int)sys_modify_ldt(WRITE_LDT, &segment, sizeof(segment)), segment.entry_number,
		      0);
	}
	if (args->mdwe)
		check(args, OP_MDWE, sys_prctl(PR_SET_MDWE, args->mdwe, 0, 0, 0), args->mdwe, 0);
}
