/* SPDX-License-Identifier: GPL-2.0 */
/* What each architecture gives to the library; see compel/arch/. */
#ifndef COMPEL_ARCH_OPS_H
#define COMPEL_ARCH_OPS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <compel/arch.h>

#define ARCH_MASK_ALL (~(uint64_t)0)

/* Length of a syscall instruction, and the offset of the first one in some code, or -1. */
extern const size_t arch_syscall_len;
long arch_find_syscall(const uint8_t *code, size_t len);

/* Can the library handle a task with these registers, of which the kernel gave @size bytes? */
bool arch_supported(const compel_regs_t *regs, size_t size);

/* The ptrace note type of the extended register state. */
extern const unsigned int arch_xstate_note;

void arch_set_ip(compel_regs_t *regs, unsigned long ip);

/* Turn a task's registers into those with which it makes a system call / calls a function of the blob. */
void arch_prepare_syscall(compel_regs_t *regs, unsigned long ip, long nr, const unsigned long args[6]);
void arch_prepare_call(compel_regs_t *regs, unsigned long ip, unsigned long sp, unsigned int cmd, unsigned long args);
long arch_syscall_value(const compel_regs_t *regs);
int arch_call_value(const compel_regs_t *regs);

/* At the end of a system call: will the kernel restart it? */
bool arch_restarts(const compel_regs_t *regs);

/*
 * Some calls return EINTR when their task is only stopped: signal(7). Of a task that we stopped while it waited in one
 * without a timeout, the registers are changed so that the kernel lets it wait on, unless a handler runs.
 */
void arch_continue_wait(compel_regs_t *regs);

/* Does this SIGTRAP come from a breakpoint instruction that the task executed? */
bool arch_is_breakpoint(const siginfo_t *si);

/* For hgen: the ELF machine, and what a relocation type means. */
enum arch_reloc {
	ARCH_RELOC_UNKNOWN,
	ARCH_RELOC_NONE,
	ARCH_RELOC_RELATIVE, /* base + addend */
	ARCH_RELOC_ABS,	     /* base + symbol + addend */
	ARCH_RELOC_SLOT,     /* base + symbol */
};
extern const unsigned int arch_elf_machine;
enum arch_reloc arch_reloc_kind(uint32_t type);

/* For `compel cflags` and `compel ldflags`. */
extern const char *const arch_cflags;
extern const char *const arch_ldflags;
extern const char *const arch_name;

#endif
