/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/lazy_pages.h"

#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>

/* Above a frame are those of its callers, below is the red zone. */
#define STACK_BELOW 128
#define STACK_ABOVE (2 * RUN_PAGE_SIZE)
/* struct pthread and the variables in front of it. */
#define THREAD_BELOW 512
#define THREAD_ABOVE 2304
/* get_robust_list(2): the kernel follows no more. */
#define ROBUST_MAX 2048
/* Of arguments and environment, each. */
#define ARGUMENTS_MAX (64ul << 10)

struct bring {
	struct restore *r;
	const struct restore_task *rt;
	int uffd;
	struct pager_memory *memory;
	uint64_t last; /* the page that was brought before */
};

static bool is_registered(const struct restore_task *rt, uint64_t vaddr)
{
	const struct mem_plan *plan = &rt->plan;
	size_t low = 0, high = plan->nr_areas - plan->nr_guards;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct plan_area *a = &plan->areas[mid];

		if (vaddr < a->start)
			high = mid;
		else if (vaddr >= a->start + a->len)
			low = mid + 1;
		else
			return a->how & PLAN_AREA_UFFD;
	}
	return false;
}

/* VADDR's page, which may be one that isn't stored: then it's a zero page. */
static int bring_page(struct bring *b, uint64_t vaddr)
{
	uint64_t page = vaddr & ~(RUN_PAGE_SIZE - 1);
	struct uffdio_copy copy = { .dst = page, .len = RUN_PAGE_SIZE };
	struct uffdio_zeropage zero = { .range = { page, RUN_PAGE_SIZE } };
	struct pager_piece piece;
	int r;

	if (page == b->last || !is_registered(b->rt, page))
		return 0;
	b->last = page;
	if (pager_memory_find(b->memory, page, page, page + RUN_PAGE_SIZE, &piece)) {
		copy.src = (uintptr_t)piece.from;
		r = ioctl(b->uffd, UFFDIO_COPY, &copy);
		pager_memory_forget(b->memory, page, page + RUN_PAGE_SIZE);
	} else {
		r = ioctl(b->uffd, UFFDIO_ZEROPAGE, &zero);
	}
	if (r && errno != EEXIST)
		return cr_fail_errno(&b->r->ctx, -errno, "Can't fill the page at 0x%llx of task %d",
				     (unsigned long long)page, b->rt->task->pid);
	return 0;
}

static int bring(struct bring *b, uint64_t vaddr, uint64_t len)
{
	uint64_t end = vaddr + len;
	int err = 0;

	for (uint64_t at = vaddr & ~(RUN_PAGE_SIZE - 1); at < end && end > vaddr && !err; at += RUN_PAGE_SIZE)
		err = bring_page(b, at);
	return err;
}

/* ---- robust futexes ------------------------------------------------------------------------------------------ */

/* Eight bytes of the set; 0 where nothing is stored. */
static uint64_t read_word(const struct restore_task *rt, uint64_t vaddr)
{
	const struct pagemap *pm = rt->pagemap;
	uint64_t word = 0, offset = vaddr & (RUN_PAGE_SIZE - 1);
	size_t i = pagemap_first(pm, vaddr);

	if (i == pm->nr || pm->v[i].vaddr > vaddr || offset > RUN_PAGE_SIZE - sizeof(word) ||
	    rt->source->ops->read(rt->source, pm->v[i].offset + (vaddr - pm->v[i].vaddr), &word, sizeof(word)))
		return 0;
	return word;
}

/* What the kernel looks at when the thread ends: set_robust_list(2), Documentation/locking/robust-futexes.rst. */
static int bring_robust(struct bring *b, uint64_t head)
{
	uint64_t entry = read_word(b->rt, head) & ~1ull, futex_offset = read_word(b->rt, head + 8);
	uint64_t pending = read_word(b->rt, head + 16) & ~1ull;
	int err = bring(b, head, sizeof(struct robust_list_head));

	if (!err && pending)
		err = bring(b, pending + futex_offset, 4);
	for (int i = 0; i < ROBUST_MAX && entry && entry != head && !err; i++) {
		err = bring(b, entry, 8);
		if (!err)
			err = bring(b, entry + futex_offset, 4);
		entry = read_word(b->rt, entry) & ~1ull;
	}
	return err;
}

/* ---- threads ------------------------------------------------------------------------------------------------- */

static int bring_thread(struct bring *b, const CoreEntry *core)
{
	const ThreadInfoX86 *info = core->thread_info;
	const ThreadCoreEntry *e = core->thread_core;
	int err;

	err = bring(b, info->clear_tid_addr, 4);
	if (!err && e->futex_rla_len)
		err = bring_robust(b, e->futex_rla);
	if (!err && e->rseq_entry)
		err = bring(b, e->rseq_entry->rseq_abi_pointer, e->rseq_entry->rseq_abi_size);
	if (!err)
		err = bring(b, info->gpregs->ip, 16);
	if (!err)
		err = bring(b, info->gpregs->sp - STACK_BELOW, STACK_BELOW + STACK_ABOVE);
	if (!err)
		err = bring(b, info->gpregs->fs_base - THREAD_BELOW, THREAD_BELOW + THREAD_ABOVE);
	return err;
}

/* /proc/PID/cmdline and environ are read like ptrace(2) reads: what isn't there would be empty. */
static int bring_arguments(struct bring *b, const MmEntry *mm)
{
	uint64_t args = mm->mm_arg_end - mm->mm_arg_start, env = mm->mm_env_end - mm->mm_env_start;
	int err = bring(b, mm->mm_arg_start, args < ARGUMENTS_MAX ? args : ARGUMENTS_MAX);

	return err ?: bring(b, mm->mm_env_start, env < ARGUMENTS_MAX ? env : ARGUMENTS_MAX);
}

int lazy_pages_bring(struct restore *r, const struct restore_task *rt, int uffd, struct pager_memory *memory)
{
	struct bring b = { .r = r, .rt = rt, .uffd = uffd, .memory = memory, .last = 1 };
	struct task *t;
	int err = bring_arguments(&b, rt->mm);

	for_each_task (&r->tree, t)
		for (size_t i = 0; task_lives(t) && restore_of(t)->owner[SHARE_VM] == rt && i < t->nr_threads && !err;
		     i++)
			err = bring_thread(&b, restore_of(t)->cores[i]);
	return err;
}
