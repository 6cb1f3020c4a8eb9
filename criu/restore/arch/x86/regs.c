/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/arch.h"

__attribute__((noreturn)) void boot_jump(const void *entry, void *arg, void *stack_top)
{
	asm volatile("movq %0, %%rsp\n\t"
		     "xorl %%ebp, %%ebp\n\t"
		     "callq *%1\n\t"
		     "ud2\n\t" ::"r"(stack_top),
		     "r"(entry), "D"(arg)
		     : "memory");
	__builtin_unreachable();
}

/* 47 bits without the last page, also where page tables have five levels. */
uint64_t user_address_end(void)
{
	return (1ull << 47) - 4096;
}

void regs_set_syscall(struct user_regs_struct *regs, uint64_t ip, long nr, const uint64_t args[4])
{
	regs->rip = ip;
	regs->rax = nr;
	regs->orig_rax = -1; /* the kernel is not to restart what it has interrupted */
	regs->rdi = args[0];
	regs->rsi = args[1];
	regs->rdx = args[2];
	regs->r10 = args[3];
	regs->r8 = 0;
}

long regs_syscall_result(const struct user_regs_struct *regs)
{
	return regs->rax;
}
