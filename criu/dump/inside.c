/* SPDX-License-Identifier: GPL-2.0 */
/* What only a task itself can ask the kernel. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "dump/aio.h"
#include "dump/state.h"
#include "dump/unkept.h"
#include "proc/maps.h"
#include "seize/supervisor.h"

static int ask_threads(struct dump *d, struct task *task)
{
	struct dump_state *s = state_of(task);
	int r;

	s->threads = calloc(task->nr_threads, sizeof(*s->threads));
	if (!s->threads)
		return -ENOMEM;
	for (size_t i = 0; i < task->nr_threads; i++) {
		r = parasite_run(d->ctx, task, i, PARASITE_GET_THREAD);
		if (r < 0)
			return r;
		s->threads[i] = parasite_args(task)->thread;
	}
	return 0;
}

/* ---- locks of future areas: mlockall(2) -------------------------------------------------------------------------- */

/* How its future areas are locked, as the parasite's is: looked at only where it is locked at all. */
static int ask_locks(struct dump *d, struct task *task)
{
	_cleanup_proc_map_list_ struct proc_map_list maps = { 0 };
	struct dump_state *s = state_of(task);
	uint64_t at;
	int r;

	if (!s->inside.locks_future || !owns(task, SHARE_VM))
		return 0;
	at = compel_remote_addr(task->dump->parasite, parasite_args(task));
	r = proc_read_smaps(task->dump->procfd, &maps);
	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't read the areas of task %d", task->pid);
	s->locks = MCL_FUTURE;
	for (size_t i = 0; i < maps.nr; i++)
		if (maps.v[i].start <= at && at < maps.v[i].end && maps.v[i].vm_flags & PROC_VM(LF))
			s->locks |= MCL_ONFAULT;
	return 0;
}

/* ---- memory policies of areas: mbind(2) ---------------------------------------------------------------------- */

static bool can_have_policy(const struct vma *v)
{
	return (v->status & VMA_AREA_REGULAR) && !(v->status & (VMA_AREA_VDSO | VMA_AREA_VVAR | VMA_AREA_UPROBES));
}

/* The question about the areas from FIRST on; the index of the next one to ask about. */
static size_t put_areas(const struct vma_list *vmas, size_t first, struct parasite_areas *ret)
{
	size_t i = first;

	for (ret->nr = 0; i < vmas->nr && ret->nr < PARASITE_MAX_AREAS; i++)
		if (can_have_policy(&vmas->v[i]))
			ret->areas[ret->nr++] = vmas->v[i].start;
	return i;
}

/* Keeps the areas from FIRST on that have a policy, by ANSWER to put_areas(). */
static int keep_areas(struct dump_state *s, size_t first, const struct parasite_areas *answer)
{
	struct parasite_policy *p;
	uint32_t nr = 0, n = 0;

	for (uint32_t i = 0; i < answer->nr; i++)
		nr += answer->areas[i] != 0;
	if (!nr)
		return 0;
	p = reallocarray(s->policies, s->nr_policies + nr, sizeof(*p));
	if (!p)
		return -ENOMEM;
	s->policies = p;
	for (size_t i = first; n < answer->nr; i++)
		if (can_have_policy(&s->vmas.v[i]) && answer->areas[n++])
			p[s->nr_policies++] = (struct parasite_policy){ .addr = s->vmas.v[i].start };
	return 0;
}

static int ask_policies(struct dump *d, struct task *task)
{
	struct dump_state *s = state_of(task);

	for (size_t i = 0; i < s->nr_policies; i++) {
		int r;

		parasite_args(task)->policy = s->policies[i];
		r = parasite_run(d->ctx, task, 0, PARASITE_GET_POLICY);
		if (r < 0)
			return r;
		s->policies[i] = parasite_args(task)->policy;
	}
	return 0;
}

static int ask_task(struct dump *d, struct task *task)
{
	struct dump_state *s = state_of(task);
	struct parasite_areas *areas = &parasite_args(task)->areas;
	size_t next = put_areas(&s->vmas, 0, areas), first;
	int r = parasite_run(d->ctx, task, 0, PARASITE_GET_TASK);

	if (r < 0)
		return r;
	s->inside = parasite_args(task)->task;
	r = keep_areas(s, 0, areas);
	while (!r && next < s->vmas.nr) {
		first = next;
		next = put_areas(&s->vmas, first, areas);
		r = parasite_run(d->ctx, task, 0, PARASITE_GET_MODES);
		if (!r)
			r = keep_areas(s, first, areas);
	}
	return r < 0 ? r : ask_policies(d, task);
}

/* ---- descriptor tables of segments: modify_ldt(2) ------------------------------------------------------------ */

#define LDT_BYTES (8192 * 8)

static int ask_ldt_at(struct dump *d, struct task *task, unsigned long at, unsigned char *table)
{
	struct compel_thread *leader = &task->dump->threads[0];
	const unsigned long read_ldt[6] = { 0, at, LDT_BYTES };
	long got = 0;
	int r = compel_syscall_in(task->dump->parasite, leader, SYS_modify_ldt, &got, read_ldt);

	if (!r && (int)got != LDT_BYTES)
		r = -EPROTO;
	if (!r)
		r = compel_peek(task->pid, at, table, LDT_BYTES);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't read the local descriptor table of task %d", task->pid) : 0;
}

/* It is as large as the argument area can't be; what lies behind its last entry reads as zero. */
static int ask_ldt(struct dump *d, struct task *task)
{
	struct dump_state *s = state_of(task);
	struct compel_thread *leader = &task->dump->threads[0];
	unsigned long unmap[6] = { 0, LDT_BYTES };
	const unsigned long map[6] = { 0, LDT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1ul };
	long at = 0, result;
	int r, back;

	if (!s->inside.has_ldt || !owns(task, SHARE_VM))
		return 0;
	s->ldt = malloc(LDT_BYTES);
	if (!s->ldt)
		return -ENOMEM;
	r = compel_syscall_in(task->dump->parasite, leader, SYS_mmap, &at, map);
	if (!r && at < 0 && at > -4096)
		r = (int)at;
	if (r < 0)
		return cr_fail_errno(d->ctx, r, "No room for the local descriptor table of task %d", task->pid);
	r = ask_ldt_at(d, task, at, s->ldt);
	unmap[0] = at;
	back = compel_syscall_in(task->dump->parasite, leader, SYS_munmap, &result, unmap);
	for (s->ldt_len = LDT_BYTES; s->ldt_len && !s->ldt[s->ldt_len - 1];)
		s->ldt_len--;
	s->ldt_len = (s->ldt_len + 7) & ~(size_t)7;
	return r < 0 ? r : back;
}

int dump_ask_inside(struct dump *d)
{
	struct baseline base;
	struct task *task;
	int r;

	baseline_inside(&base);
	for_each_task (&d->tree, task) {
		if (task->state == TASK_DEAD)
			continue;
		if (supervise_cancelled())
			return cr_fail(d->ctx, -EINTR, "Cancelled");
		r = parasite_inject(d->ctx, task);
		if (!r)
			r = dump_note_itimers(d, task);
		if (!r)
			r = ask_task(d, task);
		if (!r)
			r = dump_ask_timers(d, task);
		if (!r)
			r = ask_locks(d, task);
		if (!r)
			r = dump_check_rings(d, task);
		if (!r)
			r = ask_threads(d, task);
		if (!r)
			r = check_answers(d, task, &base);
		if (!r)
			r = ask_ldt(d, task);
		if (r < 0)
			return r;
	}
	return 0;
}
