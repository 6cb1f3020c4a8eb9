/* SPDX-License-Identifier: GPL-2.0 */
/* A valid set of images in memory: what a case damages before it is written and read. */
#ifndef TEST_RESTORE_HOSTILE_H
#define TEST_RESTORE_HOSTILE_H

#include <string.h>
#include <sys/mman.h>

#include "core.pb-c.h"
#include "creds.pb-c.h"
#include "fdinfo.pb-c.h"
#include "fs.pb-c.h"
#include "inventory.pb-c.h"
#include "mem/vma.h"
#include "mm.pb-c.h"
#include "pie/plan.h"
#include "pstree.pb-c.h"
#include "regfile.pb-c.h"
#include "siginfo.pb-c.h"
#include "task/task.h"
#include "timer.pb-c.h"

#define ROOT	   100 /* leads its session and has a second thread */
#define THREAD	   101
#define CHILD	   102
#define ZOMBIE	   103
#define NR_CORES   4 /* of these, in this order */
#define NR_TASKS   3
#define MAX_TREE   5000
#define NR_ACTIONS (PLAN_NSIG - 2)
#define MAX_FILES  8
#define MAX_ROWS   8

struct core_parts {
	CoreEntry core;
	TaskCoreEntry tc;
	ThreadCoreEntry thread;
	ThreadInfoX86 info;
	UserX86RegsEntry regs;
	UserX86FpregsEntry fpregs;
	CredsEntry creds;
	TaskTimersEntry timers;
	ItimerEntry itimers[3];
	TaskRlimitsEntry rlimits;
	SignalQueueEntry queue;
	SiginfoEntry signal, *signals[1];
	SaEntry action, *actions[PLAN_NSIG + 1];
	RlimitEntry limit, *limits[PLAN_NR_RLIMITS + 1];
};

struct set {
	InventoryEntry inventory;
	TaskKobjIdsEntry ids[NR_TASKS]; /* of the tasks but the zombie; the last one: root_ids */
	PstreeEntry tree[MAX_TREE];
	size_t nr_tree;
	uint32_t threads[MAX_TREE][2];
	struct core_parts cores[NR_CORES];
	MmEntry mm;
	VmaEntry vma, *vmas[1];
	FsEntry fs;
	FownEntry fown;
	FileEntry files[MAX_FILES];
	RegFileEntry regs[MAX_FILES];
	size_t nr_files;
	FdinfoEntry rows[MAX_ROWS];
	size_t nr_rows;
};

/* Large, and read by every case: kept once. */
extern char hostile_siginfo[128];
extern uint64_t hostile_auxv[4];
extern uint32_t hostile_fpu[64];

static inline void core_parts_init(struct core_parts *c, bool leader)
{
	core_entry__init(&c->core);
	task_core_entry__init(&c->tc);
	thread_core_entry__init(&c->thread);
	thread_info_x86__init(&c->info);
	user_x86_regs_entry__init(&c->regs);
	user_x86_fpregs_entry__init(&c->fpregs);
	creds_entry__init(&c->creds);
	task_timers_entry__init(&c->timers);
	task_rlimits_entry__init(&c->rlimits);
	signal_queue_entry__init(&c->queue);
	siginfo_entry__init(&c->signal);
	sa_entry__init(&c->action);
	rlimit_entry__init(&c->limit);
	for (int i = 0; i < 3; i++)
		itimer_entry__init(&c->itimers[i]);
	for (int i = 0; i < PLAN_NSIG + 1; i++)
		c->actions[i] = &c->action;
	for (int i = 0; i < PLAN_NR_RLIMITS + 1; i++)
		c->limits[i] = &c->limit;
	c->core.mtype = CORE_ENTRY__MARCH__X86_64;
	c->core.thread_info = &c->info;
	c->core.thread_core = &c->thread;
	c->core.tc = leader ? &c->tc : NULL;
	c->info.gpregs = &c->regs;
	c->info.fpregs = &c->fpregs;
	c->regs.cs = 0x33;
	c->regs.ss = 0x2b;
	c->fpregs.n_st_space = 32;
	c->fpregs.n_xmm_space = 64;
	c->fpregs.st_space = c->fpregs.xmm_space = hostile_fpu;
	c->thread.creds = &c->creds;
	c->thread.signals_p = c->tc.signals_s = &c->queue;
	c->signals[0] = &c->signal;
	c->queue.n_signals = 1;
	c->queue.signals = c->signals;
	c->signal.siginfo.data = (uint8_t *)hostile_siginfo;
	c->signal.siginfo.len = sizeof(hostile_siginfo);
	c->tc.task_state = TASK_ALIVE;
	c->tc.comm = "name";
	c->tc.timers = &c->timers;
	c->timers.real = &c->itimers[0];
	c->timers.virt = &c->itimers[1];
	c->timers.prof = &c->itimers[2];
	c->tc.rlimits = &c->rlimits;
	c->rlimits.n_rlimits = PLAN_NR_RLIMITS;
	c->rlimits.rlimits = c->limits;
	c->tc.n_sigactions = NR_ACTIONS;
	c->tc.sigactions = c->actions;
}

static inline void add_task(struct set *s, uint32_t pid, uint32_t ppid, uint32_t thread)
{
	PstreeEntry *e = &s->tree[s->nr_tree];
	uint32_t *threads = s->threads[s->nr_tree++];

	pstree_entry__init(e);
	e->pid = threads[0] = pid;
	threads[1] = thread;
	e->ppid = ppid;
	e->pgid = e->sid = ROOT;
	e->threads = threads;
	e->n_threads = thread ? 2 : 1;
}

static inline void add_file(struct set *s, char *name)
{
	FileEntry *e = &s->files[s->nr_files];
	RegFileEntry *reg = &s->regs[s->nr_files++];

	file_entry__init(e);
	reg_file_entry__init(reg);
	e->type = FD_TYPES__REG;
	e->id = reg->id = s->nr_files;
	e->reg = reg;
	reg->name = name;
	reg->fown = &s->fown;
}

static inline void add_row(struct set *s, uint32_t fd, uint32_t id)
{
	FdinfoEntry *e = &s->rows[s->nr_rows++];

	fdinfo_entry__init(e);
	e->fd = fd;
	e->id = id;
	e->type = FD_TYPES__REG;
}

static inline void mm_init(struct set *s)
{
	MmEntry *mm = &s->mm;
	VmaEntry *v = &s->vma;

	mm_entry__init(mm);
	vma_entry__init(v);
	v->start = 0x10000;
	v->end = 0x12000;
	v->shmid = 2;
	v->flags = MAP_PRIVATE;
	v->status = VMA_AREA_REGULAR | VMA_FILE_PRIVATE;
	v->fd = -1;
	s->vmas[0] = v;
	mm->n_vmas = 1;
	mm->vmas = s->vmas;
	mm->n_mm_saved_auxv = 4;
	mm->mm_saved_auxv = hostile_auxv;
	mm->mm_start_code = mm->mm_start_data = mm->mm_end_data = 0x10000;
	mm->mm_end_code = 0x10100;
	mm->mm_start_stack = mm->mm_start_brk = mm->mm_brk = 0x11000;
	mm->mm_arg_start = mm->mm_arg_end = mm->mm_env_start = mm->mm_env_end = 0x11000;
	mm->exe_file_id = 2;
}

static inline void set_init(struct set *s)
{
	memset(s, 0, sizeof(*s));
	inventory_entry__init(&s->inventory);
	s->inventory.img_version = 2;
	s->inventory.has_fdinfo_per_id = s->inventory.fdinfo_per_id = true;
	s->inventory.root_ids = &s->ids[NR_TASKS - 1];
	for (int i = 0; i < NR_TASKS; i++) {
		task_kobj_ids_entry__init(&s->ids[i]);
		s->ids[i].vm_id = s->ids[i].fs_id = s->ids[i].sighand_id = i + 1;
		s->ids[i].files_id = 7;
	}
	for (int i = 0; i < NR_CORES; i++)
		core_parts_init(&s->cores[i], ROOT + i != THREAD);
	s->cores[ZOMBIE - ROOT].tc.task_state = TASK_DEAD;
	add_task(s, ROOT, 0, THREAD);
	add_task(s, CHILD, ROOT, 0);
	add_task(s, ZOMBIE, ROOT, 0);
	mm_init(s);
	fs_entry__init(&s->fs);
	s->fs.cwd_id = s->fs.root_id = 1;
	fown_entry__init(&s->fown);
	add_file(s, "/");
	add_file(s, "/bin/sh");
	add_row(s, 0, 1);
	add_row(s, 5, 2);
}

#endif
