/* SPDX-License-Identifier: GPL-2.0 */
/* core-TID.img of every thread, ids-PID.img of every task. */
#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dump/seccomp.h"
#include "dump/state.h"
#include "image/image.h"
#include "proc/list.h"
#include "proc/values.h"
#include "task/core_dump.h"
#include "task/core_regs.h"

/* AVX-512 and AMX areas together are below 12 KiB today; -ENOSPC tells if that changes. */
#define XSTATE_ROOM (64 * 1024)

/* The only control group set of images without cgroup.img: the one criu runs in. */
#define OWN_CG_SET 1

static int fail_for_thread(struct dump *d, int r, pid_t tid, const char *what)
{
	return cr_fail_errno(d->ctx, r, "Can't save the %s of task %d", what, tid);
}

static int dump_registers(struct dump *d, const struct compel_thread *ct, const struct parasite_thread *inside,
			  CoreEntry *core)
{
	_cleanup_free_ void *xstate = aligned_alloc(64, XSTATE_ROOM);
	size_t size = 0;
	int r;

	if (!xstate)
		return -ENOMEM;
	r = compel_get_xstate(ct->tid, xstate, XSTATE_ROOM, &size);
	if (!r)
		r = core_thread_info_make(&ct->regs, xstate, size, &core->thread_info);
	if (!r)
		r = core_tls_make(ct->tid, core->thread_info);
	if (r < 0)
		return fail_for_thread(d, r, ct->tid, "registers");
	core->thread_info->clear_tid_addr = inside->tid_address;
	return 0;
}

static int dump_rseq(struct dump *d, pid_t tid, ThreadCoreEntry *tc)
{
	struct compel_rseq rseq;
	int r = compel_get_rseq(tid, &rseq);

	if (r == -EIO || r == -EINVAL) /* a kernel before 5.13, or built without rseq */
		return 0;
	if (r < 0)
		return fail_for_thread(d, r, tid, "rseq registration");
	if (!rseq.addr)
		return 0;
	tc->rseq_entry = malloc(sizeof(*tc->rseq_entry));
	if (!tc->rseq_entry)
		return -ENOMEM;
	rseq_entry__init(tc->rseq_entry);
	tc->rseq_entry->rseq_abi_pointer = rseq.addr;
	tc->rseq_entry->rseq_abi_size = rseq.size;
	tc->rseq_entry->signature = rseq.signature;
	return 0;
}

static int dump_robust_list(struct dump *d, pid_t tid, ThreadCoreEntry *tc)
{
	void *head = NULL;
	size_t len = 0;

	if (syscall(SYS_get_robust_list, tid, &head, &len) < 0)
		return fail_for_thread(d, -errno, tid, "robust futex list");
	tc->futex_rla = (uintptr_t)head;
	tc->futex_rla_len = len;
	return 0;
}

static int dump_altstack(const struct parasite_thread *inside, ThreadCoreEntry *tc)
{
	tc->sas = malloc(sizeof(*tc->sas));
	if (!tc->sas)
		return -ENOMEM;
	thread_sas_entry__init(tc->sas);
	tc->sas->ss_sp = inside->altstack_sp;
	tc->sas->ss_size = inside->altstack_size;
	tc->sas->ss_flags = inside->altstack_flags;
	return 0;
}

/* What every thread has of its own. */
static int dump_thread_core(struct dump *d, const struct task *task, size_t i, CoreEntry *core)
{
	const struct parasite_thread *inside = &state_of(task)->threads[i];
	const struct compel_thread *ct = &task->dump->threads[i];
	_cleanup_close_ int tidfd = proc_open_tid(task->dump->procfd, ct->tid);
	char comm[PROC_COMM_MAX];
	ThreadCoreEntry *tc;
	int r;

	if (tidfd < 0)
		return fail_for_thread(d, tidfd, ct->tid, "state");
	tc = malloc(sizeof(*tc));
	if (!tc)
		return -ENOMEM;
	thread_core_entry__init(tc);
	core->thread_core = tc;
	core->mtype = CORE_ENTRY__MARCH__X86_64;
	r = dump_registers(d, ct, inside, core);
	if (!r)
		r = dump_robust_list(d, ct->tid, tc);
	if (!r)
		r = sched_dump(d->ctx, ct->tid, tc);
	if (!r)
		r = dump_altstack(inside, tc);
	if (!r)
		r = pending_signals_dump(d->ctx, ct->tid, false, &tc->signals_p);
	if (!r)
		dump_drop_late(task, ct->tid, tc->signals_p);
	if (!r)
		r = creds_dump(d->ctx, tidfd, inside->securebits, &tc->creds);
	if (!r)
		r = dump_rseq(d, ct->tid, tc);
	if (!r)
		r = proc_read_comm(tidfd, comm);
	if (r < 0)
		return r;
	dump_seccomp_core(task, i, tc);
	if (inside->pdeath_signal) {
		tc->has_pdeath_sig = true;
		tc->pdeath_sig = inside->pdeath_signal;
	}
	tc->comm = strdup(comm);
	tc->has_cg_set = true;
	tc->cg_set = OWN_CG_SET;
	if (i) {
		tc->has_blk_sigset = true;
		tc->blk_sigset = ct->sigmask;
	}
	return tc->comm ? 0 : -ENOMEM;
}

/* What a process has once. */
static int dump_task_core(struct dump *d, const struct task *task, TaskCoreEntry *tc)
{
	const struct dump_state *s = state_of(task);
	int r;

	tc->blk_sigset = task->dump->threads[0].sigmask;
	if (task->state == TASK_STOPPED) {
		tc->has_stop_signo = true;
		tc->stop_signo = task->dump->stop_signal;
	}
	r = itimers_dump(s->inside.itimers, &tc->timers);
	if (!r)
		r = posix_timers_dump(&s->timers, tc->timers);
	if (!r)
		r = rlimits_dump(d->ctx, task->dump->procfd, &tc->rlimits);
	if (!r)
		r = pending_signals_dump(d->ctx, task->pid, true, &tc->signals_s);
	if (!r)
		dump_drop_late(task, 0, tc->signals_s);
	if (!r)
		r = sigactions_dump(s->inside.sigactions, tc);
	if (!r)
		r = task_values_dump(d->ctx, task->dump->procfd, &s->inside, tc);
	return r;
}

static int new_task_core(const struct task *task, TaskCoreEntry **ret)
{
	TaskCoreEntry *tc = malloc(sizeof(*tc));

	if (!tc)
		return -ENOMEM;
	task_core_entry__init(tc);
	*ret = tc;
	tc->task_state = task->state;
	tc->flags = task->state == TASK_DEAD ? 0 : task->dump->stat.flags;
	tc->exit_code = task->state == TASK_DEAD ? task->dump->stat.exit_code : task->dump->unread_stop;
	tc->comm = strdup(task->dump->stat.comm);
	return tc->comm ? 0 : -ENOMEM;
}

static int write_core(struct dump *d, const struct task *task, size_t i)
{
	CoreEntry *core = malloc(sizeof(*core));
	pid_t tid = task->threads[i].tid;
	int r = 0;

	if (!core)
		return -ENOMEM;
	core_entry__init(core);
	core->mtype = CORE_ENTRY__MARCH__X86_64;
	if (i == 0)
		r = new_task_core(task, &core->tc);
	if (!r && task->state != TASK_DEAD) {
		r = dump_thread_core(d, task, i, core);
		if (!r && i == 0)
			r = dump_task_core(d, task, core->tc);
	}
	if (!r)
		r = image_write_single(d->images_dirfd, IMG_CORE, &core->base, (unsigned long)tid);
	core_entry__free_unpacked(core, NULL);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't write core-%d.img", tid) : 0;
}

static int write_ids(struct dump *d, const struct task *task)
{
	const uint32_t *own = state_of(task)->ids;
	TaskKobjIdsEntry ids = TASK_KOBJ_IDS_ENTRY__INIT;
	int r;

	ids.vm_id = own[SHARE_VM];
	ids.files_id = own[SHARE_FILES];
	ids.fs_id = own[SHARE_FS];
	ids.sighand_id = own[SHARE_SIGHAND];
	dump_fill_namespace_ids(&ids);
	r = image_write_single(d->images_dirfd, IMG_IDS, &ids.base, (unsigned long)task->pid);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't write ids-%d.img", task->pid) : 0;
}

int dump_cores(struct dump *d)
{
	struct task *task;
	int r = 0;

	for_each_task (&d->tree, task) {
		for (size_t i = 0; i < task->nr_threads && !r; i++)
			r = write_core(d, task, i);
		if (!r && task->state != TASK_DEAD)
			r = write_ids(d, task);
		if (r < 0)
			return r;
	}
	return dump_attributes(d);
}
