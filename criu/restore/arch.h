/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between architectures; one implementation stands in restore/arch/. */
#ifndef CRIU_RESTORE_ARCH_H
#define CRIU_RESTORE_ARCH_H

#include <stdint.h>
#include <sys/user.h>

/* Calls ENTRY(ARG) on the stack that ends at STACK_TOP. */
__attribute__((noreturn)) void boot_jump(const void *entry, void *arg, void *stack_top);
/*
 * clone3(2) with a stack (args->stack): the new process or thread calls FN(ARG), which doesn't return. The caller gets
 * the new pid or -errno; errno is not touched.
 */
long clone3_on_stack(const void *args, unsigned long size, void (*fn)(void *), void *arg);
/* A system call with four arguments that doesn't touch errno: the value or -errno. */
long raw_syscall(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* The end of the addresses that a process can have mapped without asking for more: mmap(2). */
uint64_t user_address_end(void);

/* Registers to make system call NR, with four arguments and a fifth of 0, by the instruction at IP. */
void regs_set_syscall(struct user_regs_struct *regs, uint64_t ip, long nr, const uint64_t args[4]);
/* What it returned. */
long regs_syscall_result(const struct user_regs_struct *regs);

#endif
