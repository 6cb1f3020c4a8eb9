/* SPDX-License-Identifier: GPL-2.0 */
/* The GDT's slots for thread-local storage, which only 32-bit code uses: PTRACE_GET_THREAD_AREA in ptrace(2). */
#include <asm/ldt.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ptrace.h>

#include "task/core_regs.h"

/* GDT_ENTRY_TLS_MIN of 64-bit kernels: Linux, arch/x86/include/asm/segment.h. */
#define FIRST_SLOT 12
#define NR_SLOTS   3

static UserDescT *make_slot(const struct user_desc *d)
{
	UserDescT *e = malloc(sizeof(*e));

	if (!e)
		return NULL;
	user_desc_t__init(e);
	e->entry_number = d->entry_number;
	e->base_addr = d->base_addr;
	e->limit = d->limit;
	e->seg_32bit = d->seg_32bit;
	e->contents_h = d->contents & 2;
	e->contents_l = d->contents & 1;
	e->read_exec_only = d->read_exec_only;
	e->limit_in_pages = d->limit_in_pages;
	e->seg_not_present = d->seg_not_present;
	e->usable = d->useable;
	return e;
}

int core_tls_make(pid_t tid, ThreadInfoX86 *info)
{
	info->tls = calloc(NR_SLOTS, sizeof(*info->tls));
	if (!info->tls)
		return -ENOMEM;
	for (unsigned i = 0; i < NR_SLOTS; i++) {
		struct user_desc d = { 0 };

		if (ptrace(PTRACE_GET_THREAD_AREA, tid, FIRST_SLOT + i, &d) < 0) {
			/* A kernel without 32-bit emulation has none. */
			return errno == EIO ? 0 : -errno;
		}
		info->tls[i] = make_slot(&d);
		if (!info->tls[i])
			return -ENOMEM;
		info->n_tls++;
	}
	return 0;
}
