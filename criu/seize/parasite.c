/* SPDX-License-Identifier: GPL-2.0 */
/* The dump's side of the parasite. */
#include <errno.h>
#include <string.h>

#include "parasite.blob.h"
#include "seize/seize.h"

int parasite_inject(struct cr_ctx *ctx, struct task *task)
{
	struct dump_task *d = task->dump;
	int r;

	r = compel_infect(&d->threads[0], &parasite_blob, sizeof(union parasite_args), &d->parasite);
	if (r < 0)
		return cr_fail(ctx, r, "Can't put the parasite into task %d (%s): %s", task->pid, d->stat.comm,
			       compel_strerror_detail(&d->threads[0]));
	return 0;
}

union parasite_args *parasite_args(struct task *task)
{
	return compel_args(task->dump->parasite, sizeof(union parasite_args));
}

int parasite_run(struct cr_ctx *ctx, struct task *task, size_t thread, enum parasite_cmd cmd)
{
	struct compel_thread *ct = &task->dump->threads[thread];
	int result = 0, r;

	r = compel_call(task->dump->parasite, ct, cmd, &result);
	if (r < 0)
		return cr_fail(ctx, r, "The parasite failed in task %d: %s", ct->tid, compel_strerror_detail(ct));
	if (result < 0)
		return cr_fail_errno(ctx, result, "The parasite can't carry out command %d in task %d", cmd, ct->tid);
	return 0;
}

int seize_cure(struct cr_ctx *ctx, struct task *task)
{
	struct dump_task *d = task->dump;
	struct compel_blob_ctl *ctl;
	int r;

	if (!d || !d->parasite)
		return 0;
	ctl = d->parasite;
	d->parasite = NULL;
	r = compel_cure(ctl);
	if (r < 0 && r != -ESRCH)
		return cr_fail(ctx, r, "Can't take the parasite out of task %d: %s", task->pid,
			       compel_strerror_detail(&d->threads[0]));
	return 0;
}
