/* SPDX-License-Identifier: GPL-2.0 */
/* Flags that a thread can only set by itself: neither ptrace(2) nor rt_sigreturn(2) takes them. */
#ifndef CRIU_PIE_ARCH_X86_USER_FLAGS_H
#define CRIU_PIE_ARCH_X86_USER_FLAGS_H

#include <stdint.h>

#define USER_FLAGS_OWN 0x200000ul /* ID: Intel SDM vol. 1, 3.4.3 */

static inline void set_user_flags(uint64_t flags)
{
	asm volatile("pushfq\n\t"
		     "andq %0, (%%rsp)\n\t"
		     "orq %1, (%%rsp)\n\t"
		     "popfq" ::"r"(~USER_FLAGS_OWN),
		     "r"(flags & USER_FLAGS_OWN)
		     : "cc", "memory");
}

#endif
