/* SPDX-License-Identifier: GPL-2.0 */
/* The dump's side of the parasite. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "parasite.blob.h"
#include "proc/limits.h"
#include "seize/seize.h"

/* Below the red zone of the System V ABI nothing of the task's is kept. */
#define RED_ZONE 128

/* setrlimit(2) of RLIMIT_AS by the task itself, which needs no privilege up to the hard limit. */
static int set_address_limit(struct compel_thread *leader, uint64_t cur, uint64_t max)
{
	unsigned long at = (compel_regs_sp(&leader->regs) - RED_ZONE - sizeof(uint64_t[2])) & ~15ul;
	unsigned long args[6] = { 0, RLIMIT_AS, at };
	uint64_t limit[2] = { cur, max }, kept[2];
	long result = 0;
	int r, back;

	r = compel_peek(leader->tid, at, kept, sizeof(kept));
	if (!r)
		r = compel_poke(leader->tid, at, limit, sizeof(limit));
	if (r < 0)
		return r;
	r = compel_syscall(leader, SYS_prlimit64, &result, args);
	back = compel_poke(leader->tid, at, kept, sizeof(kept));
	return r < 0 ? r : result < 0 ? (int)result : back;
}

/* A task that uses all the address space it may: its soft limit is raised while the parasite is mapped. */
static int infect_beyond_limit(struct dump_task *d)
{
	struct compel_thread *leader = &d->threads[0];
	struct proc_limits limits;
	int r, back;

	r = proc_read_limits(d->procfd, &limits);
	if (r < 0)
		return r;
	if (limits.v[RLIMIT_AS].cur == limits.v[RLIMIT_AS].max)
		return -ENOMEM;
	r = set_address_limit(leader, limits.v[RLIMIT_AS].max, limits.v[RLIMIT_AS].max);
	if (r < 0)
		return r;
	r = compel_infect(leader, &parasite_blob, sizeof(union parasite_args), &d->parasite);
	back = set_address_limit(leader, limits.v[RLIMIT_AS].cur, limits.v[RLIMIT_AS].max);
	return r < 0 ? r : back;
}

int parasite_inject(struct cr_ctx *ctx, struct task *task)
{
	struct dump_task *d = task->dump;
	int r;

	r = compel_infect(&d->threads[0], &parasite_blob, sizeof(union parasite_args), &d->parasite);
	if (r == -ENOMEM)
		r = infect_beyond_limit(d);
	if (r == -ENOMEM)
		return cr_fail(ctx, r, "Task %d (%s): its limit of address space leaves no room for the parasite",
			       task->pid, d->stat.comm);
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
