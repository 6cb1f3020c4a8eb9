/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/arch.h"

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

/* CPUID leaf 7, subleaf 0, EBX. */
static bool leaf7_ebx(unsigned bit)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit);
}

static bool clwb_there(void)
{
	return leaf7_ebx(bit_CLWB);
}

static bool clflushopt_there(void)
{
	return leaf7_ebx(bit_CLFLUSHOPT);
}

static bool clflush_there(void)
{
	return true;
}

__attribute__((target("clwb"))) static void clwb(const char *from, const char *to)
{
	for (; from < to; from += CACHE_LINE)
		_mm_clwb((void *)from);
}

__attribute__((target("clflushopt"))) static void clflushopt(const char *from, const char *to)
{
	for (; from < to; from += CACHE_LINE)
		_mm_clflushopt((void *)from);
}

static void clflush(const char *from, const char *to)
{
	for (; from < to; from += CACHE_LINE)
		_mm_clflush(from);
}

const struct cache_way cache_ways[] = {
	{ "clwb", clwb_there, clwb },
	{ "clflushopt", clflushopt_there, clflushopt },
	{ "clflush", clflush_there, clflush },
	{ NULL },
};

void cache_fence(void)
{
	_mm_sfence();
}

void cache_drop(const char *from, const char *to)
{
	static atomic_int opt_there; /* asked once: in a virtual machine each CPUID goes to its host, 20 us */

	if (!opt_there)
		opt_there = clflushopt_there() ? 1 : -1;
	if (opt_there > 0)
		clflushopt(from, to);
	else
		clflush(from, to);
	/* Loads are not ordered after these by SFENCE. */
	_mm_mfence();
}
