/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/boot.h"

#include <compel/blob.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include "restore/arch.h"
#include "restore/restorer_blob.h"
#include "restore/turn.h"
#include "task/posix_timers.h"

#define ALIGN_UP(n, to) (((n) + (to)-1) & ~((uint64_t)(to)-1))
#define PAGE		4096ul
#define STACK_SIZE	(4 * PAGE)
#define LOWEST		(1ul << 20)
#define MAX_TRIES	4096

/* Of one task: byte offsets in the region. */
struct task_layout {
	uint64_t args, threads, steps, filters, code, timers, signals, groups, stacks;
};

/* Of the one that owns the memory, and of all together. */
struct layout {
	uint64_t areas, reads, iovs, huge, rings, auxv, proxy, policies, segments, aside, shared, len;
	uint64_t kept;
};

/* Those that share one memory, its owner first. */
struct group {
	struct restore_task **v;
	size_t nr;
};

static int find_group(struct restore *r, struct restore_task *owner, struct group *ret)
{
	struct task *t;

	ret->v = calloc(r->any_shared[SHARE_VM] ? r->nr_alive : 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	ret->v[ret->nr++] = owner;
	if (!r->any_shared[SHARE_VM])
		return 0;
	for_each_task (&r->tree, t)
		if (task_lives(t) && restore_of(t) != owner && restore_of(t)->owner[SHARE_VM] == owner)
			ret->v[ret->nr++] = restore_of(t);
	return 0;
}

/* Reserves LEN bytes at *END; their offset. */
static uint64_t reserve(uint64_t *end, uint64_t len, uint64_t align)
{
	uint64_t at = ALIGN_UP(*end, align);

	*end = at + len;
	return at;
}

static size_t nr_timers(const struct restore_task *rt)
{
	const TaskTimersEntry *timers = rt->cores[0]->tc->timers;

	return timers ? timers->n_posix : 0;
}

static void lay_out_task(const struct restore_task *rt, uint64_t *end, struct task_layout *l)
{
	size_t nr_threads = rt->task->nr_threads, nr_groups = 0;
	size_t nr_signals = signals_count(rt->cores[0]->tc->signals_s);

	for (size_t i = 0; i < nr_threads; i++) {
		nr_signals += signals_count(rt->cores[i]->thread_core->signals_p);
		nr_groups += rt->cores[i]->thread_core->creds->n_groups;
	}
	l->args = reserve(end, sizeof(struct restorer_args), PAGE);
	l->threads = reserve(end, nr_threads * sizeof(struct plan_thread), 16);
	l->steps = reserve(end, rt->seccomp.nr_steps * sizeof(struct plan_step), 16);
	l->filters = reserve(end, rt->seccomp.nr_filters * sizeof(struct plan_filter), 16);
	l->code = reserve(end, rt->seccomp.code_len, 16);
	l->timers = reserve(end, nr_timers(rt) * sizeof(struct plan_timer), 16);
	l->signals = reserve(end, nr_signals * sizeof(struct plan_siginfo), 16);
	l->groups = reserve(end, nr_groups * sizeof(uint32_t), 16);
	l->stacks = reserve(end, nr_threads * STACK_SIZE, PAGE);
}

/* TASKS: of those of the group, in order. */
static void lay_out(const struct restore *r, const struct restore_task *rt, const struct group *group,
		    struct task_layout *tasks, struct layout *l)
{
	const struct mem_plan *plan = &rt->plan;
	const AttributesEntry *leader = attributes_of(r->attributes, rt->task->pid);
	uint64_t end = restorer_code->mem_size, aside = 0;

	for (size_t i = 0; i < plan->nr_moves; i++)
		aside += plan->moves[i].len;
	for (size_t i = 0; i < group->nr; i++)
		lay_out_task(group->v[i], &end, &tasks[i]);
	l->areas = reserve(&end, plan->nr_areas * sizeof(struct plan_area), 16);
	l->kept = reserve(&end, (plan->nr_areas + 1) * sizeof(struct plan_iov), 16);
	l->reads = reserve(&end, plan->nr_reads * sizeof(struct plan_read), 16);
	l->iovs = reserve(&end, plan->nr_iovs * sizeof(struct plan_iov), 16);
	l->huge = reserve(&end, plan->nr_huge * sizeof(struct plan_iov), 16);
	l->rings = reserve(&end, plan->nr_rings * sizeof(struct plan_ring), 16);
	l->auxv = reserve(&end, rt->mm->n_mm_saved_auxv * sizeof(uint64_t), 16);
	l->proxy = reserve(&end, plan->proxy_len, 16);
	l->policies = reserve(&end, leader->n_areas * sizeof(struct plan_area_policy), 16);
	l->segments = reserve(&end, leader->ldt.len / 8 * sizeof(struct plan_segment), 16);
	l->aside = reserve(&end, aside, PAGE);
	l->shared = reserve(&end, r->shared_len, PAGE);
	l->len = ALIGN_UP(end, PAGE);
}

/* ---- arguments ----------------------------------------------------------------------------------------------- */

/* A place in the region that is filled from front to back. */
struct filler {
	struct plan_siginfo *signals;
	uint32_t *groups;
};

/* Nothing may have no address. */
static void *put(void *to, const void *from, size_t size)
{
	return size ? memcpy(to, from, size) : to;
}

static const struct plan_siginfo *put_signals(struct filler *f, const SignalQueueEntry *queue, uint32_t *ret_nr)
{
	struct plan_siginfo *at = f->signals;

	signals_to_plan(queue, at);
	*ret_nr = signals_count(queue);
	f->signals += *ret_nr;
	return at;
}

static void put_thread(struct filler *f, struct restore *r, const struct restore_task *rt, size_t i,
		       struct plan_thread *th)
{
	const CoreEntry *core = rt->cores[i];
	const ThreadCoreEntry *e = core->thread_core;
	const char *comm = e->comm ?: rt->cores[0]->tc->comm;

	*th = (struct plan_thread){
		.tid = rt->task->threads[i].tid,
		.pdeath_signal = e->has_pdeath_sig ? e->pdeath_sig : 0,
		.tid_address = core->thread_info->clear_tid_addr,
		.robust_list = e->futex_rla,
		.robust_list_len = e->futex_rla_len,
		.altstack_flags = 2, /* SS_DISABLE */
		.user_flags = core->thread_info->gpregs->flags,
	};
	if (e->sas) {
		th->altstack_sp = e->sas->ss_sp;
		th->altstack_size = e->sas->ss_size;
		th->altstack_flags = e->sas->ss_flags;
	}
	if (e->rseq_entry) {
		th->rseq_addr = e->rseq_entry->rseq_abi_pointer;
		th->rseq_size = e->rseq_entry->rseq_abi_size;
		th->rseq_signature = e->rseq_entry->signature;
	}
	memcpy(th->comm, comm, strnlen(comm, PLAN_COMM_LEN - 1));
	th->signals = put_signals(f, e->signals_p, &th->nr_signals);
	creds_to_plan(e->creds, &r->own_creds, &th->creds);
	attributes_to_plan(&r->ctx, attributes_of(r->attributes, th->tid), attributes_of(r->attributes, rt->task->pid),
			   rt->cores[0]->tc->personality, &r->own_attributes, r->slacks_differ, &th->attributes);
	put(f->groups, th->creds.groups, th->creds.nr_groups * sizeof(*f->groups));
	th->creds.groups = f->groups;
	f->groups += th->creds.nr_groups;
}

static int put_mm(struct restore *r, const struct restore_task *rt, char *auxv, struct plan_mm_map *map)
{
	const MmEntry *mm = rt->mm;
	int exe, err = fd_restore_get(r->fds, mm->exe_file_id, &exe);

	if (err)
		return err;
	memcpy(auxv, mm->mm_saved_auxv, mm->n_mm_saved_auxv * sizeof(uint64_t));
	*map = (struct plan_mm_map){
		.start_code = mm->mm_start_code,
		.end_code = mm->mm_end_code,
		.start_data = mm->mm_start_data,
		.end_data = mm->mm_end_data,
		.start_brk = mm->mm_start_brk,
		.brk = mm->mm_brk,
		.start_stack = mm->mm_start_stack,
		.arg_start = mm->mm_arg_start,
		.arg_end = mm->mm_arg_end,
		.env_start = mm->mm_env_start,
		.env_end = mm->mm_env_end,
		.auxv = (const uint64_t *)auxv,
		.auxv_size = mm->n_mm_saved_auxv * sizeof(uint64_t),
		.exe_fd = exe,
	};
	return 0;
}

static void put_task(const struct restore_task *rt, struct filler *f, struct restorer_args *a)
{
	const TaskCoreEntry *tc = rt->cores[0]->tc;
	const MmEntry *mm = rt->owner[SHARE_VM]->mm;

	a->pid = rt->task->pid;
	a->thp_disabled = mm->has_thp_disabled && mm->thp_disabled;
	a->dumpable = mm->has_dumpable ? mm->dumpable : 1;
	a->lock_future = rt->extra && rt->extra->has_locks ? rt->extra->locks : 0;
	a->child_subreaper = tc->has_child_subreaper && tc->child_subreaper;
	a->membarrier = tc->has_membarrier_registration_mask ? tc->membarrier_registration_mask : 0;
	sigactions_to_plan(tc, a->sigactions);
	itimers_to_plan(tc->timers, a->itimers);
	a->nr_rlimits = rlimits_to_plan(tc->rlimits, a->rlimits);
	a->signals = put_signals(f, tc->signals_s, &a->nr_signals);
}

static void put_timers(const struct restore *r, const struct restore_task *rt, struct plan_timer *at,
		       struct restorer_args *a)
{
	const CoreEntry *leader = rt->cores[0];

	a->timers = at;
	a->nr_timers = nr_timers(rt);
	if (!a->nr_timers)
		return;
	posix_timers_to_plan(rt->task, rt->cores, at);
	a->timer_ids = r->timer_ids;
	a->early_timers = posix_timers_need_privilege(leader->tc->timers);
	a->timers_left = 1;
}

/* What the whole process has of attributes.img. */
static void put_attributes(struct restore *r, const struct restore_task *rt, char *base, const struct layout *l,
			   struct restorer_args *a)
{
	const AttributesEntry *e = attributes_of(r->attributes, rt->task->pid);
	struct plan_area_policy *policies = (struct plan_area_policy *)(base + l->policies);
	struct plan_segment *segments = (struct plan_segment *)(base + l->segments);

	a->thp_flags = e->has_thp_flags ? e->thp_flags : 0;
	a->mdwe = e->has_mdwe ? e->mdwe : 0;
	a->memory_merge = e->has_memory_merge && e->memory_merge;
	for (size_t i = 0; a->memory_merge && i < a->nr_areas; i++)
		if (!(a->areas[i].madv & 1ull << MADV_MERGEABLE))
			a->areas[i].madv |= 1ull << MADV_UNMERGEABLE;
	a->area_policies = policies;
	a->nr_area_policies = attributes_areas_to_plan(&r->ctx, e, &r->own_attributes, policies);
	a->segments = segments;
	a->nr_segments = attributes_ldt_to_plan(e, segments);
}

static int compare_iovs(const void *pa, const void *pb)
{
	const struct plan_iov *a = pa, *b = pb;

	return (a->addr > b->addr) - (a->addr < b->addr);
}

static void put_kept(const struct mem_plan *plan, struct restorer_args *a, struct plan_iov *kept)
{
	a->kept = kept;
	kept[a->nr_kept++] = (struct plan_iov){ a->region_start, a->region_len };
	for (size_t i = 0; i < plan->nr_areas; i++)
		if (plan->areas[i].place)
			kept[a->nr_kept++] = (struct plan_iov){ plan->areas[i].place, plan->areas[i].len };
	qsort(kept, a->nr_kept, sizeof(*kept), compare_iovs);
}

static void put_memory(const struct restore_task *rt, char *base, const struct layout *l, struct restorer_args *a)
{
	const struct mem_plan *plan = &rt->plan;
	uint64_t aside = (uintptr_t)base + l->aside;

	for (size_t i = 0; i < plan->nr_moves; i++) {
		a->moves[i] = plan->moves[i];
		a->moves[i].aside = aside;
		aside += plan->moves[i].len;
	}
	a->nr_moves = plan->nr_moves;
	a->areas = put(base + l->areas, plan->areas, plan->nr_areas * sizeof(*plan->areas));
	a->nr_areas = plan->nr_areas;
	put_kept(plan, a, (struct plan_iov *)(base + l->kept));
	a->reads = put(base + l->reads, plan->reads, plan->nr_reads * sizeof(*plan->reads));
	a->nr_reads = plan->nr_reads;
	a->iovs = put(base + l->iovs, plan->iovs, plan->nr_iovs * sizeof(*plan->iovs));
	a->rings = put(base + l->rings, plan->rings, plan->nr_rings * sizeof(*plan->rings));
	a->nr_rings = plan->nr_rings;
	a->huge = put(base + l->huge, plan->huge, plan->nr_huge * sizeof(*plan->huge));
	a->nr_huge = plan->nr_huge;
	a->outside = plan->nr_fill_runs > 0 || plan->nr_lazy_runs > 0;
	a->lazy = plan->nr_lazy_runs > 0;
	if (plan->proxy) {
		memcpy(base + l->proxy, plan->proxy, plan->proxy_len);
		a->proxy = (struct plan_proxy){ plan->proxy_addr, plan->proxy_len, base + l->proxy };
	}
	a->pages_fd = rt->pages_fd;
	a->pages_len = rt->source ? rt->source->size : 0;
}

static void put_steps(const struct restore *r, const struct restore_task *rt, char *base, const struct task_layout *tl,
		      struct restorer_args *a)
{
	struct plan_filter *filters = (struct plan_filter *)(base + tl->filters);
	struct plan_step *steps = (struct plan_step *)(base + tl->steps);

	seccomp_plan_put(&rt->seccomp, r->seccomp, steps, filters, base + tl->code);
	a->filters = filters;
	for (size_t i = 0; i < a->nr_threads; i++) {
		a->threads[i].steps = steps + rt->seccomp.threads[i].first;
		a->threads[i].nr_steps = rt->seccomp.threads[i].nr;
	}
}

static void put_args(struct restore *r, struct restore_task *rt, char *base, const struct layout *l,
		     const struct task_layout *tl)
{
	struct restorer_args *a = (struct restorer_args *)(base + tl->args);
	struct filler f = { (struct plan_siginfo *)(base + tl->signals), (uint32_t *)(base + tl->groups) };

	a->shared = (struct restore_shared *)(base + l->shared);
	a->slot = &a->shared->slots[rt->slot - r->shared->slots];
	a->region_start = (uintptr_t)base;
	a->region_len = l->len;
	a->task_size = user_address_end();
	a->readahead = r->opts->readahead == TRI_YES;
	a->first_service_fd = r->first_service_fd;
	a->owns_fds = !is_guest(rt, SHARE_FILES);
	a->owns_memory = !is_guest(rt, SHARE_VM);
	a->owns_handlers = !is_guest(rt, SHARE_SIGHAND);
	rt->slot->region_start = (uintptr_t)base;
	rt->slot->region_len = l->len;
	a->fault_stage = r->shared->fault_stage;
	a->sigchld_mask = 1ull << (SIGCHLD - 1);
	rt->slot->sigchld_mask = (uintptr_t)&a->sigchld_mask;
	rt->slot->no_time = (uintptr_t)a->no_time;
	put_task(rt, &f, a);
	put_timers(r, rt, (struct plan_timer *)(base + tl->timers), a);
	a->threads = (struct plan_thread *)(base + tl->threads);
	a->nr_threads = rt->task->nr_threads;
	a->threads_left = a->nr_threads - 1;
	a->relayed_left = rt->seccomp.nr_relayed;
	for (size_t i = 0; i < a->nr_threads; i++) {
		put_thread(&f, r, rt, i, &a->threads[i]);
		a->threads[i].args = a;
		a->threads[i].stack_start = (uintptr_t)base + tl->stacks + i * STACK_SIZE;
		a->threads[i].stack_size = STACK_SIZE;
	}
	put_steps(r, rt, base, tl, a);
	rt->args = a;
	rt->stack_top = base + tl->stacks + STACK_SIZE;
}

static int put_group(struct restore *r, const struct group *group, char *base, const struct layout *l,
		     const struct task_layout *tasks)
{
	struct restore_task *owner = group->v[0];

	for (size_t i = 0; i < group->nr; i++) {
		put_args(r, group->v[i], base, l, &tasks[i]);
		group->v[i]->args->memory_owner = owner->args;
	}
	owner->args->guests_left = group->nr - 1;
	put_memory(owner, base, l, owner->args);
	put_attributes(r, owner, base, l, owner->args);
	return put_mm(r, owner, base + l->auxv, &owner->args->mm);
}

/* ---- the region ---------------------------------------------------------------------------------------------- */

/* Where nothing is now and nothing will be. */
static int map_region(struct restore *r, const struct restore_task *rt, uint64_t len, char **ret)
{
	uint64_t addr = LOWEST;

	for (int tries = 0; tries < MAX_TRIES; tries++, addr += len) {
		void *p;
		int err = mem_plan_gap(rt->mm, &rt->plan, user_address_end(), len, &addr);

		if (err)
			return cr_fail_errno(&r->ctx, err, "No room for the restorer of task %d", rt->task->pid);
		p = mmap((void *)addr, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
		if (p == (void *)addr) {
			*ret = p;
			return 0;
		}
		if (p != MAP_FAILED)
			munmap(p, len); /* kernels before 4.17 take it for a hint */
		else if (errno != EEXIST && errno != EPERM)
			return cr_fail_errno(&r->ctx, -errno, "Can't map the restorer of task %d", rt->task->pid);
	}
	return cr_fail(&r->ctx, -ENOMEM, "No room for the restorer of task %d", rt->task->pid);
}

static int load_region(struct restore *r, uint64_t shared, char *base)
{
	int err = compel_blob_load(restorer_code, base, (uintptr_t)base);

	if (err)
		return cr_fail_errno(&r->ctx, err, "Can't load the restorer");
	if (mprotect(base, restorer_code->text_size, PROT_READ | PROT_EXEC))
		return cr_fail_errno(&r->ctx, -errno, "Can't protect the restorer");
	/* A second mapping of the same memory: mremap(2), old_size 0. */
	if (mremap(r->shared, 0, r->shared_len, MREMAP_MAYMOVE | MREMAP_FIXED, base + shared) == MAP_FAILED)
		return cr_fail_errno(&r->ctx, -errno, "Can't map the shared memory");
	return 0;
}

/* One that is born with CLONE_VM has none, nor have those that it forks: rseq(2). */
static bool has_rseq(const struct restore_task *rt)
{
	for (; rt; rt = rt->creator)
		if (rt->clone_flags & CLONE_VM)
			return false;
	return __rseq_size;
}

/* The C library's restartable sequences must not be touched once its memory is gone. */
static int leave_rseq(struct restore *r, const struct restore_task *rt)
{
	struct rseq *own = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);

	if (!has_rseq(rt))
		return 0;
	/* It registers 32 bytes, or more where the kernel uses more. */
	for (unsigned len = sizeof(*own); len <= 256; len += 32)
		if (!syscall(SYS_rseq, own, len, RSEQ_FLAG_UNREGISTER, RSEQ_SIG))
			return 0;
	return cr_fail_errno(&r->ctx, -errno, "Can't unregister our restartable sequences");
}

static int make_region(struct restore *r, struct restore_task *rt)
{
	_cleanup_free_ struct task_layout *tasks = NULL;
	struct group group = { 0 };
	struct layout l;
	char *base = NULL;
	int err;

	err = find_group(r, rt, &group);
	if (!err)
		tasks = calloc(group.nr, sizeof(*tasks));
	if (!tasks)
		err = -ENOMEM;
	if (!err) {
		lay_out(r, rt, &group, tasks, &l);
		err = map_region(r, rt, l.len, &base);
	}
	if (!err)
		err = load_region(r, l.shared, base);
	if (!err)
		err = put_group(r, &group, base, &l, tasks);
	free(group.v);
	return err;
}

int boot(struct restore *r, struct restore_task *rt)
{
	struct restore_task *owner = rt->owner[SHARE_VM];
	unsigned long entry;
	int err;

	err = compel_blob_symbol(restorer_code, "restorer_entry", &entry);
	if (!err && owner == rt)
		err = make_region(r, rt);
	if (!err)
		err = leave_rseq(r, rt);
	if (err)
		return err;
	if (owner == rt) {
		__atomic_store_n(&rt->region_ready, 1, __ATOMIC_RELEASE);
		wake_all(&rt->region_ready);
	}
	turn_give(rt);
	wait_on(&owner->region_ready, 0);
	boot_jump((char *)rt->slot->region_start + entry, rt->args, rt->stack_top);
}

int boot_syscall_offset(unsigned long *ret)
{
	return compel_blob_symbol(restorer_code, "compel_head_syscall", ret);
}
