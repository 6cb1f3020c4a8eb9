/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vDSO: the kernel's own shared object in every process, and the data pages in front of it. vdso(7).
 * Nothing is assumed of its size or place: it is read as the ELF object that it is.
 */
#ifndef CRIU_MEM_VDSO_H
#define CRIU_MEM_VDSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define VDSO_NAME_MAX	 32
#define VDSO_MAX_SYMBOLS 64
#define VDSO_MAX_RANGES	 4
/* No kernel's is near that. */
#define VDSO_MAX_SIZE (1u << 20)

struct vdso_symbol {
	char name[VDSO_NAME_MAX];
	uint32_t offset; /* of the function, bytes from the start of the object */
};

struct vdso_symbols {
	struct vdso_symbol v[VDSO_MAX_SYMBOLS];
	size_t nr;
};

struct vdso_range {
	uint64_t start, len; /* bytes */
};

/* Where this kernel put them in the calling process: "[vvar…]" areas, then "[vdso]". */
struct vdso_live {
	struct vdso_range ranges[VDSO_MAX_RANGES]; /* ascending; without gaps between them */
	size_t nr_ranges;
	struct vdso_range vdso; /* one of them; len 0: this kernel has none */
	struct vdso_symbols symbols;
};

/*
 * The functions of an untrusted ELF object of LEN bytes as it lies in memory. 0; -EBADMSG: it is damaged;
 * -ENOTSUP: names or numbers of functions are beyond what we know.
 */
int vdso_parse(const void *elf, size_t len, struct vdso_symbols *ret);
/* Both have the same functions at the same places: one may stand for the other. */
bool vdso_same(const struct vdso_symbols *a, const struct vdso_symbols *b);
/* Reads them from /proc/self/maps and from memory. 0 or -errno, explained. */
int vdso_find_live(struct cr_ctx *ctx, struct vdso_live *ret);

/*
 * Makes CODE (LEN bytes, a vDSO of another kernel with functions OLD) jump to the live one, which will stand at
 * LIVE_BASE with functions LIVE; a function that is missing there becomes the plain system call.
 * 0; -ENOTSUP when there is a function for which neither is possible: *RET_NAME is its name.
 */
int vdso_make_proxy(void *code, size_t len, const struct vdso_symbols *old, uint64_t live_base,
		    const struct vdso_symbols *live, const char **ret_name);

#endif
