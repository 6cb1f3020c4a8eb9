/* SPDX-License-Identifier: GPL-2.0 */
#include "task/arch/x86/xsave_layout.h"

#include <cpuid.h>

void xsave_place_of(unsigned component, struct xsave_place *ret)
{
	unsigned a, b, c, d;

	*ret = (struct xsave_place){ 0, 0 };
	if (component == XSAVE_X87 || component == XSAVE_SSE) {
		*ret = (struct xsave_place){ 0, sizeof(struct fxsave_area) };
		return;
	}
	if (!__get_cpuid_count(0xd, component, &a, &b, &c, &d))
		return;
	ret->size = a;
	ret->offset = b;
}
