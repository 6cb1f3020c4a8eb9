/* SPDX-License-Identifier: GPL-2.0 */
/* The standard (non-compacted) XSAVE area: Intel SDM vol. 1, 13.4. */
#ifndef CRIU_TASK_ARCH_X86_XSAVE_LAYOUT_H
#define CRIU_TASK_ARCH_X86_XSAVE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

/* The legacy region as FXSAVE64 stores it. */
struct fxsave_area {
	uint16_t cwd, swd, twd, fop;
	uint64_t rip, rdp;
	uint32_t mxcsr, mxcsr_mask;
	uint32_t st_space[32];
	uint32_t xmm_space[64];
	uint32_t padding[12];
	uint64_t sw_reserved[6]; /* the kernel's; [0] is the mask of enabled components (XCR0) */
};

struct xsave_header {
	uint64_t xstate_bv;
	uint64_t xcomp_bv;
	uint64_t reserved[6];
};

_Static_assert(sizeof(struct fxsave_area) == 512, "FXSAVE is 512 bytes");
_Static_assert(sizeof(struct xsave_header) == 64, "the XSAVE header is 64 bytes");

#define XSAVE_HEADER_OFFSET 512
#define XSAVE_MIN_SIZE	    576

enum xsave_component {
	XSAVE_X87,
	XSAVE_SSE,
	XSAVE_AVX,
	XSAVE_BNDREGS,
	XSAVE_BNDCSR,
	XSAVE_OPMASK,
	XSAVE_ZMM_HI256,
	XSAVE_HI16_ZMM,
	XSAVE_PT,
	XSAVE_PKRU,
	XSAVE_NR,
};

/* Where this CPU keeps a component in the standard format: CPUID leaf 13. Size 0: it has none. */
struct xsave_place {
	uint32_t offset, size;
};

void xsave_place_of(unsigned component, struct xsave_place *ret);

#endif
