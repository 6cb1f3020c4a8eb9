/* SPDX-License-Identifier: GPL-2.0 */
#include "pages/task_read.h"

#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "base/madvise.h"
#include "pages/run.h"

#define FAULT_AROUND (64ul << 10) /* fault_around_bytes */

int task_read(struct cr_ctx *ctx, pid_t pid, const struct iovec *local, size_t nr_local, const struct iovec *remote,
	      size_t nr, size_t len)
{
	ssize_t n;

	do {
		n = process_vm_readv(pid, local, nr_local, remote, nr, 0);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return 0;
	return cr_fail_errno(ctx, n < 0 ? -errno : -EFAULT,
			     "Can't read the %zu bytes of task %d's memory at %p and after", len, pid,
			     remote->iov_base);
}

int task_read_forced(struct cr_ctx *ctx, pid_t pid, int mem, uint64_t vaddr, void *to, size_t len)
{
	int r = pread_full(mem, to, len, vaddr);

	return r ? cr_fail_errno(ctx, r, "Can't read %zu bytes of task %d's memory at 0x%llx", len, pid,
				 (unsigned long long)vaddr)
		 : 0;
}

int mapping_make_ready(char *base, uint64_t offset, uint64_t len)
{
	for (uint64_t at = offset & ~(FAULT_AROUND - 1); at < offset + len; at += FAULT_AROUND)
		if (madvise(base + at, RUN_PAGE_SIZE, MADV_POPULATE_READ) && errno != EINVAL)
			return -errno;
	return 0;
}

bool page_is_zero(const char *page)
{
	for (size_t at = 0; at < RUN_PAGE_SIZE; at += 64) {
		uint64_t w[8];

		memcpy(w, page + at, sizeof(w));
		if (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7])
			return false;
	}
	return true;
}
