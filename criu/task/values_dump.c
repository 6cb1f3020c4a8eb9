/* SPDX-License-Identifier: GPL-2.0 */
/* The values of a task that are one number each. */
#include <errno.h>

#include "proc/values.h"
#include "task/core_dump.h"

int task_values_dump(struct cr_ctx *ctx, int procfd, const struct parasite_task *inside, TaskCoreEntry *core)
{
	int adj, r;

	r = proc_read_personality(procfd, &core->personality);
	if (r < 0)
		return cr_fail_errno(ctx, r, "Can't read the personality of a task");
	r = proc_read_loginuid(procfd, &core->loginuid);
	if (r < 0 && r != -ENOENT)
		return cr_fail_errno(ctx, r, "Can't read the loginuid of a task");
	core->has_loginuid = r == 0;
	r = proc_read_oom_score_adj(procfd, &adj);
	if (r < 0)
		return cr_fail_errno(ctx, r, "Can't read oom_score_adj of a task");
	core->has_oom_score_adj = true;
	core->oom_score_adj = adj;
	core->has_child_subreaper = true;
	core->child_subreaper = inside->child_subreaper;
	core->has_membarrier_registration_mask = inside->membarrier;
	core->membarrier_registration_mask = inside->membarrier;
	return 0;
}
