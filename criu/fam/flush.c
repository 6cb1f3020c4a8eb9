/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/flush.h"

#include <stdint.h>
#include <string.h>

#include <libpmem.h>

#include "fam/arch.h"

/* What is zeroed is flushed while it is in the caches. */
#define ZERO_STEP (256ul << 10)

/* The lines that hold [ADDR, ADDR + LEN). */
static const char *first_line(const void *addr)
{
	return (const char *)((uintptr_t)addr & ~(CACHE_LINE - 1));
}

static const char *lines_end(const void *addr, size_t len)
{
	return (const char *)(((uintptr_t)addr + len + CACHE_LINE - 1) & ~(CACHE_LINE - 1));
}

static int choose_named(struct cr_ctx *ctx, const char *name, struct fam_flush *ret)
{
	*ret = (struct fam_flush){ .name = name, .by = FLUSH_BY_NOTHING };
	if (!strcmp(name, "eadr") || !strcmp(name, "none"))
		return 0;
	if (!strcmp(name, "msync")) {
		ret->by = FLUSH_BY_MSYNC;
		return 0;
	}
	for (const struct cache_way *way = cache_ways; way->name; way++) {
		if (strcmp(name, way->name))
			continue;
		if (!way->there())
			return cr_fail(ctx, -EOPNOTSUPP, FAM_FLUSH_ENV "=%s: this processor doesn't have it", name);
		ret->by = FLUSH_BY_LINES;
		ret->way = way;
		return 0;
	}
	return cr_fail(ctx, -EINVAL, FAM_FLUSH_ENV "=%s: not one of auto, eadr, clwb, clflushopt, clflush, msync, none",
		       name);
}

static int choose(struct cr_ctx *ctx, const void *addr, size_t len, unsigned flags, struct fam_flush *ret)
{
	const char *name = getenv(FAM_FLUSH_ENV);
	const struct cache_way *way = cache_ways;

	if (name && *name && strcmp(name, "auto"))
		return choose_named(ctx, name, ret);
	*ret = (struct fam_flush){ .name = "msync", .by = FLUSH_BY_MSYNC };
	if (!(flags & FAM_FLUSH_DIRECT) && !pmem_is_pmem(addr, len))
		return 0;
	if (!(flags & FAM_FLUSH_SHARED) && pmem_has_auto_flush() == 1) {
		*ret = (struct fam_flush){ .name = "eadr", .by = FLUSH_BY_NOTHING };
		return 0;
	}
	while (!way->there())
		way++;
	*ret = (struct fam_flush){ .name = way->name, .by = FLUSH_BY_LINES, .way = way };
	return 0;
}

int fam_flush_choose(struct cr_ctx *ctx, const void *addr, size_t len, unsigned flags, struct fam_flush *ret)
{
	int r = choose(ctx, addr, len, flags, ret);

	if (!r)
		log_info(ctx->log, "Stores to the pool are made durable by: %s", ret->name);
	return r;
}

int fam_flush(const struct fam_flush *flush, const void *addr, size_t len)
{
	if (!len)
		return 0;
	if (flush->observer)
		flush->observer->flush(flush->observer->arg, addr, len);
	if (flush->by == FLUSH_BY_LINES)
		flush->way->write_back(first_line(addr), lines_end(addr, len));
	else if (flush->by == FLUSH_BY_MSYNC && pmem_msync(addr, len))
		return -errno;
	return 0;
}

void fam_fence(const struct fam_flush *flush)
{
	if (flush->observer)
		flush->observer->fence(flush->observer->arg);
	cache_fence();
}

int fam_persist(const struct fam_flush *flush, const void *addr, size_t len)
{
	int r = fam_flush(flush, addr, len);

	fam_fence(flush);
	return r;
}

int fam_flush_zero(const struct fam_flush *flush, void *addr, size_t len)
{
	char *p = addr;

	for (size_t step; len; p += step, len -= step) {
		int r;

		step = len < ZERO_STEP ? len : ZERO_STEP;
		memset(p, 0, step);
		r = fam_flush(flush, p, step);
		if (r)
			return r;
	}
	return 0;
}

void fam_invalidate(const void *addr, size_t len)
{
	if (len)
		cache_drop(first_line(addr), lines_end(addr, len));
}

void fam_refresh(const struct fam_flush *flush, const void *addr, size_t len)
{
	if (flush->observer && flush->observer->refresh)
		flush->observer->refresh(flush->observer->arg, addr, len);
	if (flush->by != FLUSH_BY_MSYNC)
		fam_invalidate(addr, len);
}
