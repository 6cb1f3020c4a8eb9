/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between processors: cache lines and checksums. Intel SDM volume 2: CLWB, CLFLUSHOPT, CLFLUSH, CRC32. */
#ifndef CRIU_FAM_ARCH_H
#define CRIU_FAM_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64ul

/* One way to write cache lines back. */
struct cache_way {
	const char *name; /* "clwb" */
	bool (*there)(void);
	void (*write_back)(const char *from, const char *to); /* whole lines; ordered by cache_fence() only */
};

/* The best first; ended by one without a name. */
extern const struct cache_way cache_ways[];

/* What was written back, or stored past the caches, before is durable (ADR) before anything that is stored after. */
void cache_fence(void);
/* What other hosts wrote to [FROM, TO), whole lines, is seen by loads that follow: our lines are written back and
 * dropped. */
void cache_drop(const char *from, const char *to);

/* CRC32C instructions are there; then STATE, the inverted checksum so far, goes on with LEN bytes. */
bool crc32c_insn_there(void);
uint32_t crc32c_insn(uint32_t state, const unsigned char *p, size_t len);

#endif
