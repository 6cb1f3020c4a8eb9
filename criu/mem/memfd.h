/* SPDX-License-Identifier: GPL-2.0 */
/* memfd_create(2) files: how they are told from others, and in which order their seals come back. */
#ifndef CRIU_MEM_MEMFD_H
#define CRIU_MEM_MEMFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What the kernel puts before the name that memfd_create(2) was given; " (deleted)" stands behind it. */
#define MEMFD_PREFIX "/memfd:"
/* A name has no more bytes than this. */
#define MEMFD_NAME_MAX 249

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif
#define MEMFD_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

/*
 * Is the file of ST on a mount inside the kernel that only memory is on: shared anonymous memory, memfds, System V
 * segments? Their names say which. A memfd that is made for comparison tells. *RET_HUGETLB: the flags for
 * memfd_create(2) that choose its page size, MFD_HUGETLB among them; 0 for ordinary pages. It may be NULL.
 */
bool memory_is_internal(const struct stat *st, uint32_t *ret_hugetlb);
/* Is the file of ST, which the kernel shows as NAME, a memfd? Another file may have such a name. */
bool memfd_is(const char *name, const struct stat *st, uint32_t *ret_hugetlb);

/*
 * Which of SEALS can be set as soon as the content is there. The others have to wait until every task has its
 * mappings: shared writable ones that were made before F_SEAL_FUTURE_WRITE couldn't be made any more.
 * (F_SEAL_WRITE can't be set while there are any, so they need not be made.) F_SEAL_SEAL is always among the last.
 */
uint32_t memfd_early_seals(uint32_t seals);

/* Flags of memfd_create(2) for a memfd that ends up with MODE and SEALS. EXEC_FLAGS: the kernel knows MFD_EXEC. */
uint32_t memfd_create_flags(uint32_t mode, uint32_t seals, uint32_t hugetlb, bool exec_flags);

#endif
