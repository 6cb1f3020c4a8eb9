/* SPDX-License-Identifier: GPL-2.0 */
/* Registers between ptrace and core images: round trips, interrupted system calls, and images that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <asm/unistd.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "task/arch/x86/xsave_layout.h"
#include "task/core_regs.h"

#define AREA 16384

struct area {
	_Alignas(64) unsigned char bytes[AREA];
};

static void fill_area(struct area *a, uint64_t xstate_bv)
{
	struct fxsave_area *fx = (void *)a->bytes;
	struct xsave_header header = { .xstate_bv = xstate_bv };

	for (size_t i = 0; i < AREA; i++)
		a->bytes[i] = (unsigned char)(i * 7 + 3);
	fx->mxcsr = 0x1f80;
	fx->mxcsr_mask = 0xffff;
	fx->sw_reserved[0] = 0; /* every known component */
	memcpy(a->bytes + XSAVE_HEADER_OFFSET, &header, sizeof(header));
}

static struct user_regs_struct some_regs(void)
{
	struct user_regs_struct regs;

	for (size_t i = 0; i < sizeof(regs) / 8; i++)
		((unsigned long *)&regs)[i] = 0x1000 + i;
	regs.cs = 0x33;
	regs.ss = 0x2b;
	regs.eflags = 0x246;
	regs.orig_rax = -1ul;
	return regs;
}

static ThreadInfoX86 *make(const struct user_regs_struct *regs, const struct area *a)
{
	ThreadInfoX86 *info = NULL;

	assert_int_equal(core_thread_info_make(regs, a->bytes, AREA, &info), 0);
	return info;
}

static void general_registers_return(void **state)
{
	struct user_regs_struct regs = some_regs(), back;
	struct area a;
	ThreadInfoX86 *info;

	fill_area(&a, 3);
	info = make(&regs, &a);
	assert_int_equal(core_regs_from_entry(info->gpregs, &back), 0);
	assert_memory_equal(&regs, &back, sizeof(regs));
	core_thread_info_free(info);
}

static void interrupted_call_stands_before_it_again(void **state)
{
	static const long restarts[] = { 512, 513, 514 };
	struct user_regs_struct regs;
	struct area a;
	ThreadInfoX86 *info;

	fill_area(&a, 3);
	for (size_t i = 0; i < 3; i++) {
		regs = some_regs();
		regs.orig_rax = __NR_read;
		regs.rax = -restarts[i];
		info = make(&regs, &a);
		assert_int_equal(info->gpregs->ax, __NR_read);
		assert_int_equal(info->gpregs->ip, regs.rip - 2);
		core_thread_info_free(info);
	}
	regs = some_regs();
	regs.orig_rax = __NR_poll;
	regs.rax = -516l;
	info = make(&regs, &a);
	assert_true((long)info->gpregs->ax == -EINTR);
	assert_int_equal(info->gpregs->ip, regs.rip);
	core_thread_info_free(info);
	/* The same value outside of a system call is data. */
	regs.orig_rax = -1ul;
	info = make(&regs, &a);
	assert_true((long)info->gpregs->ax == -516l);
	core_thread_info_free(info);
}

/* The components of XSAVE that have a place. */
static uint64_t of_this_cpu(void)
{
	struct xsave_place place;
	uint64_t bits = 3;

	for (unsigned c = XSAVE_AVX; c < XSAVE_NR; c++) {
		xsave_place_of(c, &place);
		bits |= (uint64_t) !!place.size << c;
	}
	return bits;
}

static void extended_state_returns(void **state)
{
	struct user_regs_struct regs = some_regs();
	struct xsave_place place;
	struct area a, back;
	ThreadInfoX86 *info;

	fill_area(&a, 0xe7 & of_this_cpu());
	fill_area(&back, 0);
	for (unsigned c = XSAVE_AVX; c < XSAVE_NR; c++) {
		xsave_place_of(c, &place);
		if (place.size)
			memset(back.bytes + place.offset, 0, place.size);
	}
	info = make(&regs, &a);
	assert_int_equal(core_fpu_from_entry(info->fpregs, back.bytes, AREA), 0);
	assert_memory_equal(a.bytes, back.bytes, 416);
	for (unsigned c = XSAVE_AVX; c <= XSAVE_HI16_ZMM; c++) {
		xsave_place_of(c, &place);
		if (place.size)
			assert_memory_equal(a.bytes + place.offset, back.bytes + place.offset, place.size);
	}
	core_thread_info_free(info);
}

static void unknown_component_is_refused(void **state)
{
	struct user_regs_struct regs = some_regs();
	ThreadInfoX86 *info = NULL;
	struct area a;

	fill_area(&a, 3 | 1ull << 18); /* AMX tile data */
	assert_int_equal(core_thread_info_make(&regs, a.bytes, AREA, &info), -ENOTSUP);
	assert_int_equal(core_thread_info_make(&regs, a.bytes, 500, &info), -EINVAL);
}

static void lying_images_are_refused(void **state)
{
	struct user_regs_struct regs = some_regs(), out;
	struct area a, back;
	ThreadInfoX86 *info;
	size_t kept;

	fill_area(&a, 3);
	fill_area(&back, 0);
	info = make(&regs, &a);

	info->gpregs->cs = 0x10; /* the kernel's */
	assert_int_equal(core_regs_from_entry(info->gpregs, &out), -EINVAL);
	info->gpregs->cs = 0x33;
	info->gpregs->mode = USER_X86_REGS_MODE__COMPAT;
	assert_int_equal(core_regs_from_entry(info->gpregs, &out), -ENOTSUP);
	info->gpregs->mode = USER_X86_REGS_MODE__NATIVE;
	info->gpregs->flags = ~0ul; /* no IOPL, no nested task, no virtual 8086 */
	assert_int_equal(core_regs_from_entry(info->gpregs, &out), 0);
	assert_int_equal(out.eflags & 0x1b7000, 0);

	kept = info->fpregs->n_st_space;
	info->fpregs->n_st_space = kept - 1;
	assert_int_equal(core_fpu_from_entry(info->fpregs, back.bytes, AREA), -EINVAL);
	info->fpregs->n_st_space = kept;
	info->fpregs->mxcsr = 0xffffffff;
	assert_int_equal(core_fpu_from_entry(info->fpregs, back.bytes, AREA), -EINVAL);
	info->fpregs->mxcsr = 0x1f80;
	if (info->fpregs->xsave->n_ymmh_space) {
		kept = info->fpregs->xsave->n_ymmh_space;
		info->fpregs->xsave->n_ymmh_space = kept - 1;
		assert_int_equal(core_fpu_from_entry(info->fpregs, back.bytes, AREA), -EINVAL);
		info->fpregs->xsave->n_ymmh_space = kept;
	}
	info->fpregs->xsave->xstate_bv = ~0ull;
	assert_int_equal(core_fpu_from_entry(info->fpregs, back.bytes, AREA), -ENOTSUP);
	core_thread_info_free(info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(general_registers_return), cmocka_unit_test(interrupted_call_stands_before_it_again),
		cmocka_unit_test(extended_state_returns),   cmocka_unit_test(unknown_component_is_refused),
		cmocka_unit_test(lying_images_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
