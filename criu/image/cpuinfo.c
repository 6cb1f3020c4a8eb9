/* SPDX-License-Identifier: GPL-2.0 */
#include "image/cpuinfo.h"

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

#include "base/opts.h"
#include "cpuinfo.pb-c.h"
#include "image/image.h"

#define NR_WORDS     20 /* of capability_ver 2 */
#define NR_WORDS_V1  12
#define MODEL_ID_LEN 48
#define XSTATE_LEAF  0x0d

/*
 * Words stand in the order of the kernel's own table (arch/x86/include/asm/cpufeatures.h); those that the kernel makes
 * up itself are left 0. REG: 0 to 3 for eax, ebx, ecx, edx. FPU and INS: the bits that such a comparison is about;
 * bits that only tell how fast something is (rep movsb and so on) or that programs can't use are in neither.
 */
static const struct {
	uint32_t leaf, subleaf;
	int reg; /* -1: not from cpuid */
	uint32_t fpu, ins;
	const char *name;
} words[NR_WORDS] = {
	/* fpu, fxsr; tsc, cx8, cmov, clflush, mmx, sse, sse2 */
	[0] = { 1, 0, 3, 1u << 0 | 1u << 24, 1u << 4 | 1u << 8 | 1u << 15 | 1u << 19 | 7u << 23, "1:edx" },
	/* syscall, mmxext, rdtscp, lm, 3dnowext, 3dnow */
	[1] = { 0x80000001, 0, 3, 0, 1u << 11 | 1u << 22 | 1u << 27 | 7u << 29, "80000001:edx" },
	[2] = { 0, 0, -1, 0, 0, "80860001:edx" },
	[3] = { 0, 0, -1, 0, 0, "kernel" },
	/* xsave, osxsave; sse3, pclmul, ssse3, fma, cx16, sse4.1, sse4.2, movbe, popcnt, aes, avx, f16c, rdrand */
	[4] = { 1, 0, 2, 3u << 26, 1u << 0 | 1u << 1 | 1u << 9 | 3u << 12 | 3u << 19 | 3u << 22 | 1u << 25 | 7u << 28,
		"1:ecx" },
	[5] = { 0xc0000001, 0, -1, 0, 0, "c0000001:edx" },
	/* lahf, lzcnt, sse4a, misalignsse, 3dnowprefetch, xop, fma4, tbm */
	[6] = { 0x80000001, 0, 2, 0, 1u << 0 | 0xfu << 5 | 1u << 11 | 1u << 16 | 1u << 21, "80000001:ecx" },
	[7] = { 0, 0, -1, 0, 0, "kernel" },
	[8] = { 0, 0, -1, 0, 0, "kernel" },
	/* fsgsbase, bmi1, hle, avx2, bmi2, rtm, mpx, avx512f/dq, rdseed, adx, avx512ifma, clflushopt, clwb, avx512*,
	   sha */
	[9] = { 7, 0, 1, 0,
		1u << 0 | 3u << 3 | 1u << 5 | 1u << 8 | 1u << 11 | 1u << 14 | 3u << 16 | 3u << 18 | 1u << 21 |
			3u << 23 | 0xfu << 26 | 3u << 30,
		"7:ebx" },
	/* xsaveopt, xsavec, xgetbv with ecx 1 */
	[10] = { XSTATE_LEAF, 1, 0, 7, 0, "d.1:eax" },
	[11] = { 0, 0, -1, 0, 0, "kernel" },
	/* avx-vnni, avx512-bf16 */
	[12] = { 7, 1, 0, 0, 3u << 4, "7.1:eax" },
	/* clzero */
	[13] = { 0x80000008, 0, 1, 0, 1u << 0, "80000008:ebx" },
	[14] = { 6, 0, 0, 0, 0, "6:eax" },
	[15] = { 0x8000000a, 0, 3, 0, 0, "8000000a:edx" },
	/* avx512vbmi, pku, ospke; waitpkg, avx512vbmi2, gfni, vaes, vpclmul, vnni, bitalg, vpopcntdq, rdpid,
	   movdiri/64b */
	[16] = { 7, 0, 2, 3u << 3, 1u << 1 | 1u << 5 | 1u << 6 | 0x1fu << 8 | 1u << 14 | 1u << 22 | 3u << 27, "7:ecx" },
	[17] = { 0x80000007, 0, 1, 0, 0, "80000007:ebx" },
	/* avx512 4vnniw, 4fmaps, vp2intersect, serialize, amx-bf16, avx512-fp16, amx-tile, amx-int8 */
	[18] = { 7, 0, 3, 0, 3u << 2 | 1u << 8 | 1u << 14 | 0xfu << 22, "7:edx" },
	[19] = { 0x8000001f, 0, 0, 0, 0, "8000001f:eax" },
};

struct cpuinfo {
	CpuinfoX86Entry entry;
	uint32_t capability[NR_WORDS];
	char model_id[MODEL_ID_LEN + 1];
};

static uint32_t cpuid_reg(uint32_t leaf, uint32_t subleaf, int reg)
{
	uint32_t regs[4] = { 0 };

	__get_cpuid_count(leaf, subleaf, &regs[0], &regs[1], &regs[2], &regs[3]);
	return regs[reg];
}

static void read_identity(CpuinfoX86Entry *entry)
{
	uint32_t max = 0, b = 0, c = 0, d = 0, signature = cpuid_reg(1, 0, 0);
	char vendor[12];

	__get_cpuid(0, &max, &b, &c, &d);
	memcpy(vendor, &b, 4);
	memcpy(vendor + 4, &d, 4);
	memcpy(vendor + 8, &c, 4);
	entry->vendor_id = CPUINFO_X86_ENTRY__VENDOR__UNKNOWN;
	if (!memcmp(vendor, "GenuineIntel", sizeof(vendor)))
		entry->vendor_id = CPUINFO_X86_ENTRY__VENDOR__INTEL;
	else if (!memcmp(vendor, "AuthenticAMD", sizeof(vendor)))
		entry->vendor_id = CPUINFO_X86_ENTRY__VENDOR__AMD;
	entry->stepping = signature & 0xf;
	entry->model = signature >> 4 & 0xf;
	entry->cpu_family = signature >> 8 & 0xf;
	if (entry->cpu_family >= 6)
		entry->model |= (signature >> 16 & 0xf) << 4;
	if (entry->cpu_family == 0xf)
		entry->cpu_family += signature >> 20 & 0xff;
}

static void read_own(struct cpuinfo *own)
{
	uint32_t name[12] = { 0 };

	cpuinfo_x86_entry__init(&own->entry);
	read_identity(&own->entry);
	for (size_t i = 0; i < NR_WORDS; i++)
		own->capability[i] = words[i].reg < 0 ? 0 : cpuid_reg(words[i].leaf, words[i].subleaf, words[i].reg);
	for (uint32_t i = 0; i < 3; i++)
		__get_cpuid(0x80000002 + i, &name[4 * i], &name[4 * i + 1], &name[4 * i + 2], &name[4 * i + 3]);
	memcpy(own->model_id, name, MODEL_ID_LEN);
	own->model_id[MODEL_ID_LEN] = '\0';
	own->entry.capability_ver = 2;
	own->entry.n_capability = NR_WORDS;
	own->entry.capability = own->capability;
	own->entry.model_id = own->model_id;
	own->entry.has_xfeatures_mask = true;
	own->entry.xfeatures_mask = (uint64_t)cpuid_reg(XSTATE_LEAF, 0, 3) << 32 | cpuid_reg(XSTATE_LEAF, 0, 0);
	own->entry.has_xsave_size = true;
	own->entry.xsave_size = cpuid_reg(XSTATE_LEAF, 0, 1);
	own->entry.has_xsave_size_max = true;
	own->entry.xsave_size_max = cpuid_reg(XSTATE_LEAF, 0, 2);
}

int cpuinfo_write(struct cr_ctx *ctx, int dirfd)
{
	CpuinfoEntry entry = CPUINFO_ENTRY__INIT;
	CpuinfoX86Entry *cpus[1];
	struct cpuinfo own = { 0 };
	int err;

	read_own(&own);
	cpus[0] = &own.entry;
	entry.n_x86_entry = 1;
	entry.x86_entry = cpus;
	err = image_write_single(dirfd, IMG_CPUINFO, &entry.base);
	return err ? cr_fail_errno(ctx, err, "Can't write cpuinfo.img") : 0;
}

/* The bits of word I that CAPS make a restore depend on. */
static uint32_t wanted_bits(size_t i, unsigned caps)
{
	uint32_t bits = 0;

	if (caps & CPU_CAP_FPU)
		bits |= words[i].fpu;
	if (caps & (CPU_CAP_INS | CPU_CAP_CPU))
		bits |= words[i].ins;
	if (caps & CPU_CAP_CPU)
		bits |= words[i].fpu;
	return bits;
}

static int compare(struct cr_ctx *ctx, const CpuinfoX86Entry *image, const struct cpuinfo *own, unsigned caps)
{
	const CpuinfoX86Entry *here = &own->entry;

	if ((caps & CPU_CAP_CPU) && (image->vendor_id != here->vendor_id || image->cpu_family != here->cpu_family ||
				     image->model != here->model))
		return cr_fail(ctx, -ENOTSUP,
			       "The dump's CPU (vendor %d, family %u, model %u) isn't this one (%d, %u, %u)",
			       image->vendor_id, image->cpu_family, image->model, here->vendor_id, here->cpu_family,
			       here->model);
	for (size_t i = 0; i < image->n_capability; i++) {
		uint32_t missing = image->capability[i] & ~own->capability[i] & wanted_bits(i, caps);

		if (missing && words[i].reg >= 0)
			return cr_fail(ctx, -ENOTSUP, "This CPU lacks what the dump's has: bits %#x of cpuid %s",
				       missing, words[i].name);
	}
	if (!(caps & (CPU_CAP_FPU | CPU_CAP_CPU)))
		return 0;
	if (image->has_xfeatures_mask && (image->xfeatures_mask & ~here->xfeatures_mask))
		return cr_fail(ctx, -ENOTSUP, "This CPU lacks extended states that the dump's has: %#llx",
			       (unsigned long long)(image->xfeatures_mask & ~here->xfeatures_mask));
	return 0;
}

int cpuinfo_check(struct cr_ctx *ctx, int dirfd, unsigned caps)
{
	_cleanup_image_message_ ProtobufCMessage *message = NULL;
	const CpuinfoEntry *entry;
	struct cpuinfo own = { 0 };
	int err;

	if (!(caps & CPU_CAP_ALL))
		return 0;
	err = image_read_single(dirfd, IMG_CPUINFO, &message);
	if (err == -ENOENT && !(caps & CPU_CAP_IMAGE))
		return 0;
	if (err)
		return cr_fail_errno(ctx, err, "Can't read cpuinfo.img");
	entry = (const CpuinfoEntry *)message;
	if (!entry->n_x86_entry)
		return cr_fail(ctx, -ENOTSUP, "cpuinfo.img is of another architecture");
	read_own(&own);
	for (size_t i = 0; i < entry->n_x86_entry; i++) {
		const CpuinfoX86Entry *image = entry->x86_entry[i];
		size_t nr = image->capability_ver == 1 ? NR_WORDS_V1 : NR_WORDS;

		if (image->capability_ver < 1 || image->capability_ver > 2 || image->n_capability != nr)
			return cr_fail(ctx, -EBADMSG, "cpuinfo.img has %zu words of capability version %u",
				       image->n_capability, image->capability_ver);
		err = compare(ctx, image, &own, caps);
		if (err)
			return err;
	}
	return 0;
}
