/* SPDX-License-Identifier: GPL-2.0 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include <compel/compel.h>

#include "../../../src/arch-ops.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

#define EFLAGS_TF 0x100UL
#define EFLAGS_DF 0x400UL
#define USER_CS64 0x33

/* Values that leave a system call only inside of the kernel. */
enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
};

const size_t arch_syscall_len = 2;
const unsigned int arch_xstate_note = NT_X86_XSTATE;

long arch_find_syscall(const uint8_t *code, size_t len)
{
	const uint8_t *insn = memmem(code, len, "\x0f\x05", 2);

	return insn ? insn - code : -1;
}

bool arch_supported(const compel_regs_t *regs, size_t size)
{
	return size == sizeof(*regs) && regs->cs == USER_CS64;
}

void arch_set_ip(compel_regs_t *regs, unsigned long ip)
{
	regs->rip = ip;
}

unsigned long compel_regs_ip(const compel_regs_t *regs)
{
	return regs->rip;
}

unsigned long compel_regs_sp(const compel_regs_t *regs)
{
	return regs->rsp;
}

/* orig_rax of -1 says "not in a system call": the kernel then restarts nothing on its way out. */
static void prepare(compel_regs_t *regs, unsigned long ip)
{
	regs->rip = ip;
	regs->orig_rax = -1UL;
	regs->eflags &= ~(EFLAGS_TF | EFLAGS_DF);
}

void arch_prepare_syscall(compel_regs_t *regs, unsigned long ip, long nr, const unsigned long args[6])
{
	prepare(regs, ip);
	regs->rax = nr;
	regs->rdi = args[0];
	regs->rsi = args[1];
	regs->rdx = args[2];
	regs->r10 = args[3];
	regs->r8 = args[4];
	regs->r9 = args[5];
}

void arch_prepare_call(compel_regs_t *regs, unsigned long ip, unsigned long sp, unsigned int cmd, unsigned long args)
{
	prepare(regs, ip);
	regs->rax = 0;
	regs->rsp = sp & ~15UL;
	regs->rbp = 0;
	regs->rdi = cmd;
	regs->rsi = args;
}

long arch_syscall_value(const compel_regs_t *regs)
{
	return (long)regs->rax;
}

/* The blob's head moves it out of rax, which the closing system call needs. */
int arch_call_value(const compel_regs_t *regs)
{
	return (int)regs->rbx;
}

bool arch_restarts(const compel_regs_t *regs)
{
	switch (-(long)regs->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		return true;
	default:
		return false;
	}
}

/* Does this call wait until something comes, however long that takes? Only of those that end in EINTR at any stop. */
static bool waits_for_ever(const compel_regs_t *regs)
{
	switch (regs->orig_rax) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
		return (int)regs->r10 < 0;
	case SYS_epoll_pwait2:
	case SYS_semtimedop:
		return !regs->r10;
	case SYS_rt_sigtimedwait:
		return !regs->rdx;
	case SYS_io_getevents:
	case SYS_io_pgetevents:
		return !regs->r8;
	case SYS_semop:
		return true;
	default:
		return false;
	}
}

void arch_continue_wait(compel_regs_t *regs)
{
	if ((long)regs->rax == -EINTR && waits_for_ever(regs))
		regs->rax = -ERESTARTNOHAND;
}

bool arch_is_breakpoint(const siginfo_t *si)
{
	return si->si_signo == SIGTRAP && si->si_code == SI_KERNEL;
}

const unsigned int arch_elf_machine = EM_X86_64;

enum arch_reloc arch_reloc_kind(uint32_t type)
{
	switch (type) {
	case R_X86_64_NONE:
		return ARCH_RELOC_NONE;
	case R_X86_64_RELATIVE:
		return ARCH_RELOC_RELATIVE;
	case R_X86_64_64:
		return ARCH_RELOC_ABS;
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
		return ARCH_RELOC_SLOT;
	default:
		return ARCH_RELOC_UNKNOWN;
	}
}

const char *const arch_name = "x86";

/* General registers only: the task's FPU and vector state then needs no saving. */
const char *const arch_cflags = "-std=gnu11 -O2 -fpie -ffreestanding -fno-builtin -fno-stack-protector "
				"-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-strict-aliasing -fno-common "
				"-fcf-protection=none -mgeneral-regs-only -mcmodel=small "
				"-U_FORTIFY_SOURCE";

const char *const arch_ldflags =
	"-nostdlib -static-pie -Wl,--build-id=none,--hash-style=sysv "
	"-Wl,-z,noexecstack,-z,norelro,-z,text,-z,max-page-size=4096,--no-undefined,--fatal-warnings";
