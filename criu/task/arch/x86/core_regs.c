/* SPDX-License-Identifier: GPL-2.0 */
/* General registers and the choice of where an interrupted system call goes on. */
#include "task/core_regs.h"

#include <asm/unistd.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "task/arch/x86/fpu_entry.h"

/* In-kernel results of a system call that was interrupted: Linux, include/linux/errno.h. */
#define ERESTARTSYS	      512
#define ERESTARTNOINTR	      513
#define ERESTARTNOHAND	      514
#define ERESTART_RESTARTBLOCK 516

#define SYSCALL_INSN_SIZE 2

/* User code and stack segments of 64-bit tasks. */
#define USER_CS 0x33
#define USER_SS 0x2b

/* EFLAGS bits that a program may set itself: all status and control flags but IOPL, NT, RF, VM, VIF and VIP. */
#define EFLAGS_USER  0x00240dd5ul
#define EFLAGS_FIXED 0x202ul

static void settle_interrupted_syscall(struct user_regs_struct *regs)
{
	if ((long)regs->orig_rax < 0)
		return;
	switch (-(long)regs->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		regs->rax = regs->orig_rax;
		regs->rip -= SYSCALL_INSN_SIZE;
		break;
	case ERESTART_RESTARTBLOCK:
		regs->rax = (unsigned long)-EINTR;
		break;
	}
}

static void fill_regs_entry(const struct user_regs_struct *r, UserX86RegsEntry *e)
{
	*e = (UserX86RegsEntry){
		.base = e->base,
		.r15 = r->r15,
		.r14 = r->r14,
		.r13 = r->r13,
		.r12 = r->r12,
		.bp = r->rbp,
		.bx = r->rbx,
		.r11 = r->r11,
		.r10 = r->r10,
		.r9 = r->r9,
		.r8 = r->r8,
		.ax = r->rax,
		.cx = r->rcx,
		.dx = r->rdx,
		.si = r->rsi,
		.di = r->rdi,
		.orig_ax = r->orig_rax,
		.ip = r->rip,
		.cs = r->cs,
		.flags = r->eflags,
		.sp = r->rsp,
		.ss = r->ss,
		.fs_base = r->fs_base,
		.gs_base = r->gs_base,
		.ds = r->ds,
		.es = r->es,
		.fs = r->fs,
		.gs = r->gs,
		.has_mode = true,
		.mode = USER_X86_REGS_MODE__NATIVE,
	};
}

int core_thread_info_make(const struct user_regs_struct *regs, const void *xsave, size_t size, ThreadInfoX86 **ret)
{
	struct user_regs_struct settled = *regs;
	ThreadInfoX86 *info;
	int r;

	info = calloc(1, sizeof(*info));
	if (!info)
		return -ENOMEM;
	thread_info_x86__init(info);
	info->gpregs = calloc(1, sizeof(*info->gpregs));
	if (!info->gpregs) {
		core_thread_info_free(info);
		return -ENOMEM;
	}
	user_x86_regs_entry__init(info->gpregs);
	settle_interrupted_syscall(&settled);
	fill_regs_entry(&settled, info->gpregs);
	r = fpu_entry_make(xsave, size, &info->fpregs);
	if (r < 0) {
		core_thread_info_free(info);
		return r;
	}
	*ret = info;
	return 0;
}

void core_thread_info_free(ThreadInfoX86 *info)
{
	if (!info)
		return;
	free(info->gpregs);
	for (size_t i = 0; i < info->n_tls; i++)
		free(info->tls[i]);
	free(info->tls);
	fpu_entry_free(info->fpregs);
	free(info);
}

int core_regs_from_entry(const UserX86RegsEntry *e, struct user_regs_struct *ret)
{
	if (e->has_mode && e->mode != USER_X86_REGS_MODE__NATIVE)
		return -ENOTSUP;
	if (e->cs != USER_CS || e->ss != USER_SS)
		return -EINVAL;
	*ret = (struct user_regs_struct){
		.r15 = e->r15,
		.r14 = e->r14,
		.r13 = e->r13,
		.r12 = e->r12,
		.rbp = e->bp,
		.rbx = e->bx,
		.r11 = e->r11,
		.r10 = e->r10,
		.r9 = e->r9,
		.r8 = e->r8,
		.rax = e->ax,
		.rcx = e->cx,
		.rdx = e->dx,
		.rsi = e->si,
		.rdi = e->di,
		.orig_rax = -1ul,
		.rip = e->ip,
		.cs = e->cs,
		.eflags = (e->flags & EFLAGS_USER) | EFLAGS_FIXED,
		.rsp = e->sp,
		.ss = e->ss,
		.fs_base = e->fs_base,
		.gs_base = e->gs_base,
		.ds = e->ds,
		.es = e->es,
		.fs = e->fs,
		.gs = e->gs,
	};
	return 0;
}
