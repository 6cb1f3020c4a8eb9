/* SPDX-License-Identifier: GPL-2.0 */
/* What all ways have in common that read a stopped task's pages from outside. */
#ifndef CRIU_PAGES_TASK_READ_H
#define CRIU_PAGES_TASK_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/error.h"

/*
 * The LEN bytes of REMOTE (NR pieces of memory of process PID, which may be our own) to LOCAL: process_vm_readv(2). 0;
 * -EFAULT for a part that can't be read; -errno (cr_fail).
 */
int task_read(struct cr_ctx *ctx, pid_t pid, const struct iovec *local, size_t nr_local, const struct iovec *remote,
	      size_t nr, size_t len);
/*
 * LEN bytes at VADDR of MEM, the open /proc/PID/mem, whatever protection they have (proc_pid_mem(5)). For the thread
 * that traces the task: kernels may allow it to nobody else. 0 or -errno (cr_fail).
 */
int task_read_forced(struct cr_ctx *ctx, pid_t pid, int mem, uint64_t vaddr, void *to, size_t len);
/*
 * BASE is a file on tmpfs, mapped for writing: its pages from OFFSET on, LEN bytes, are to be written. A read fault
 * there maps as many as fault_around_bytes at once, writable ones: Documentation/design/page-path.md. 0 or -errno.
 */
int mapping_make_ready(char *base, uint64_t offset, uint64_t len);
/* All of a page's bytes are 0. */
bool page_is_zero(const char *page);

#endif
