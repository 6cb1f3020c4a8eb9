/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "mem/hugetlb.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC	0x0010U
#endif

#define ANY_EXEC (S_IXUSR | S_IXGRP | S_IXOTH)

/* Is ST's device that of a memfd made with FLAGS? */
static bool same_device(const struct stat *st, uint32_t flags)
{
	_cleanup_close_ int fd = memfd_create("criu", MFD_CLOEXEC | flags);
	struct stat own;

	return fd >= 0 && !fstat(fd, &own) && own.st_dev == st->st_dev;
}

bool memory_is_internal(const struct stat *st, uint32_t *ret_hugetlb)
{
	unsigned long size = st->st_blksize;
	uint32_t hugetlb = 0;

	if (!S_ISREG(st->st_mode) || st->st_nlink)
		return false;
	if (!same_device(st, 0)) {
		if (size & (size - 1) || size <= 4096)
			return false;
		hugetlb = MFD_HUGETLB | hugetlb_size_bits(size);
		if (!same_device(st, hugetlb))
			return false;
	}
	if (ret_hugetlb)
		*ret_hugetlb = hugetlb;
	return true;
}

bool memfd_is(const char *name, const struct stat *st, uint32_t *ret_hugetlb)
{
	return str_starts(name, MEMFD_PREFIX) && memory_is_internal(st, ret_hugetlb);
}

uint32_t memfd_early_seals(uint32_t seals)
{
	/* F_SEAL_EXEC of an executable file brings F_SEAL_FUTURE_WRITE along. */
	return seals & F_SEAL_FUTURE_WRITE ? seals & ~(F_SEAL_FUTURE_WRITE | F_SEAL_SEAL | F_SEAL_EXEC) : seals;
}

uint32_t memfd_create_flags(uint32_t mode, uint32_t seals, uint32_t hugetlb, bool exec_flags)
{
	uint32_t flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | hugetlb;

	/* Without either, sysctl vm.memfd_noexec decides. */
	if (exec_flags)
		flags |= (seals & F_SEAL_EXEC) && !(mode & ANY_EXEC) ? MFD_NOEXEC_SEAL : MFD_EXEC;
	return flags;
}
