/* SPDX-License-Identifier: GPL-2.0 */
#include "task/arch/x86/xsave_layout.h"

#include <cpuid.h>
#include <pthread.h>

/* CPUID traps in virtual machines, which costs more than all else that saving a thread does: it is asked once. */
static struct xsave_place places[XSAVE_NR];

static void ask_cpu(void)
{
	unsigned a, b, c, d;

	places[XSAVE_X87] = places[XSAVE_SSE] = (struct xsave_place){ 0, sizeof(struct fxsave_area) };
	for (unsigned i = XSAVE_AVX; i < XSAVE_NR; i++)
		if (__get_cpuid_count(0xd, i, &a, &b, &c, &d))
			places[i] = (struct xsave_place){ .offset = b, .size = a };
}

void xsave_place_of(unsigned component, struct xsave_place *ret)
{
	static pthread_once_t asked = PTHREAD_ONCE_INIT;

	pthread_once(&asked, ask_cpu);
	*ret = component < XSAVE_NR ? places[component] : (struct xsave_place){ 0, 0 };
}
