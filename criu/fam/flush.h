/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How stores to a mapping become durable, and how those of other hosts become visible. libpmem(7) knows what is
 * persistent memory and whether its platform keeps the caches over a power cut (eADR); the rest is by cache line or by
 * msync(2).
 *
 * fam_flush() begins to make what was stored durable, fam_fence() ends it: what is stored after a fence is durable only
 * if all that was flushed before the fence is.
 */
#ifndef CRIU_FAM_FLUSH_H
#define CRIU_FAM_FLUSH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Names one of fam_flush's ways: auto, eadr, clwb, clflushopt, clflush, msync or none. */
#define FAM_FLUSH_ENV "CRIU_FAM_FLUSH"

struct cache_way; /* fam/arch.h */

/* Is told of each flush and fence, before it happens: a test that cuts the power between two of them. */
struct fam_flush_observer {
	void (*flush)(void *arg, const void *addr, size_t len);
	void (*fence)(void *arg);
	void *arg;
	void (*refresh)(void *arg, const void *addr, size_t len); /* of each fam_refresh(); may be NULL */
};

/* Plain data; may be copied, and used by several threads. */
struct fam_flush {
	const char *name; /* as in FAM_FLUSH_ENV */
	enum { FLUSH_BY_NOTHING, FLUSH_BY_LINES, FLUSH_BY_MSYNC } by;
	const struct cache_way *way;
	const struct fam_flush_observer *observer; /* NULL; borrowed */
};

#define FAM_FLUSH_DIRECT (1u << 0) /* no page cache is between: mapped with MAP_SYNC, or a device-DAX device */
#define FAM_FLUSH_SHARED (1u << 1) /* other hosts read it: what stays in our caches isn't enough, be it durable */

/*
 * Chooses for the mapping of LEN bytes at ADDR, which is direct also where pmem_is_pmem(3) says so. -EINVAL:
 * FAM_FLUSH_ENV has no such name; -EOPNOTSUPP: this processor has no such instruction (both cr_fail).
 */
int fam_flush_choose(struct cr_ctx *ctx, const void *addr, size_t len, unsigned flags, struct fam_flush *ret);

/* LEN bytes at ADDR. 0 or -errno of msync(2): -EIO, a bad place. */
int fam_flush(const struct fam_flush *flush, const void *addr, size_t len);
void fam_fence(const struct fam_flush *flush);
/* Both. */
int fam_persist(const struct fam_flush *flush, const void *addr, size_t len);
/* Zeroes and flushes. 0 or -errno. */
int fam_flush_zero(const struct fam_flush *flush, void *addr, size_t len);

/* What another host has written and flushed is what we read from now on. Nothing stored by us is lost. */
void fam_invalidate(const void *addr, size_t len);
/* The same, but nothing where FLUSH is by msync(2): there the page cache is the kernel's matter. */
void fam_refresh(const struct fam_flush *flush, const void *addr, size_t len);

#endif
