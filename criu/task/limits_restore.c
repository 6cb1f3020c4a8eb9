/* SPDX-License-Identifier: GPL-2.0 */
#include "task/core_restore.h"

static struct plan_itimer to_itimer(const ItimerEntry *e)
{
	return (struct plan_itimer){ e->isec, e->iusec, e->vsec, e->vusec };
}

void itimers_to_plan(const TaskTimersEntry *timers, struct plan_itimer ret[3])
{
	for (int i = 0; i < 3; i++)
		ret[i] = (struct plan_itimer){ 0 };
	if (!timers)
		return;
	ret[0] = to_itimer(timers->real);
	ret[1] = to_itimer(timers->virt);
	ret[2] = to_itimer(timers->prof);
}

uint32_t rlimits_to_plan(const TaskRlimitsEntry *e, struct plan_rlimit ret[PLAN_NR_RLIMITS])
{
	uint32_t n = 0;

	for (; e && n < e->n_rlimits && n < PLAN_NR_RLIMITS; n++)
		ret[n] = (struct plan_rlimit){ e->rlimits[n]->cur, e->rlimits[n]->max };
	return n;
}
