/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPEL_ARCH_H
#define COMPEL_ARCH_H

#include <sys/user.h>

/* The general purpose registers as NT_PRSTATUS carries them. */
typedef struct user_regs_struct compel_regs_t;

#endif
