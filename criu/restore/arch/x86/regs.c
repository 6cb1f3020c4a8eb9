/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/arch.h"

#include <sys/syscall.h>

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

/* What the child needs is in registers that the call keeps. */
long clone3_on_stack(const void *args, unsigned long size, void (*fn)(void *), void *arg)
{
	register void (*child_fn)(void *) asm("r12") = fn;
	register void *child_arg asm("r13") = arg;
	long ret;

	asm volatile("syscall\n\t"
		     "testq %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "xorl %%ebp, %%ebp\n\t"
		     "movq %%r13, %%rdi\n\t"
		     "callq *%%r12\n\t"
		     "ud2\n"
		     "1:\n\t"
		     : "=a"(ret)
		     : "0"(SYS_clone3), "D"(args), "S"(size), "r"(child_fn), "r"(child_arg)
		     : "rcx", "r11", "memory");
	return ret;
}

long raw_syscall(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	register uint64_t fourth asm("r10") = d;
	long ret;

	asm volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
	return ret;
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
