/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers between what ptrace(2) gives and takes and what core images hold. One implementation per
 * architecture stands in task/arch/.
 */
#ifndef CRIU_TASK_CORE_REGS_H
#define CRIU_TASK_CORE_REGS_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/user.h>

#include "core.pb-c.h"

/*
 * Makes thread_info of a core entry from a stopped thread's general registers and its XSAVE area (the
 * NT_X86_XSTATE register set, SIZE bytes, in the standard format of Intel SDM vol. 1 ch. 13).
 *
 * A thread that was interrupted in a system call which the kernel would restart is saved as standing
 * before that call again; one that the kernel would continue by restart_syscall(2) is saved as having
 * been interrupted by a signal (EINTR), since the kernel's restart data can't be read.
 *
 * clear_tid_addr is left for the caller. Free with core_thread_info_free(). -ENOMEM, -ENOTSUP (a component
 * of the XSAVE area that images have no field for is in use), -EINVAL (the area is too short).
 */
int core_thread_info_make(const struct user_regs_struct *regs, const void *xsave, size_t size, ThreadInfoX86 **ret);
void core_thread_info_free(ThreadInfoX86 *info);

/* Adds the thread-local storage slots of a stopped thread's GDT, which core_thread_info_free() frees. 0 or -errno. */
int core_tls_make(pid_t tid, ThreadInfoX86 *info);

/*
 * The reverse, from an untrusted image: REGS as PTRACE_SETREGSET takes them (orig_rax = -1: no system
 * call restart), and XSAVE (SIZE bytes: what this CPU's NT_X86_XSTATE has). -EINVAL: counts or values are wrong;
 * -ENOTSUP: the image uses a component that this CPU's area has no room for, or is of a 32-bit task.
 */
int core_regs_from_entry(const UserX86RegsEntry *entry, struct user_regs_struct *ret);
int core_fpu_from_entry(const UserX86FpregsEntry *entry, void *xsave, size_t size);

#endif
