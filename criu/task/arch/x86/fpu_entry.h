/* SPDX-License-Identifier: GPL-2.0 */
/* The XSAVE area as user_x86_fpregs_entry. */
#ifndef CRIU_TASK_ARCH_X86_FPU_ENTRY_H
#define CRIU_TASK_ARCH_X86_FPU_ENTRY_H

#include <stddef.h>

#include "core-x86.pb-c.h"

/* See core_thread_info_make() in task/core_regs.h. */
int fpu_entry_make(const void *xsave, size_t size, UserX86FpregsEntry **ret);
void fpu_entry_free(UserX86FpregsEntry *entry);

#endif
