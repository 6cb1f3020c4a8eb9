/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The x87 stack, its control word and MXCSR, in a task that sleeps.
 *
 * Seven values stand on the x87 stack (more than calls may leave there, so the wait is a bare
 * system call), rounding modes and masks differ from the defaults.
 */
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	static const long double in[7] = { 1.5L, -2.25L, 3e300L, 4e-4000L, 5.125L, -0.0L, 7.0L / 3 };
	static long double out[7];
	uint16_t cw_in = 0x0c7f, cw_out = 0, cw_old;
	uint32_t mxcsr_in = 0x7fa0 | 0x6000, mxcsr_out = 0, mxcsr_old;
	struct timespec ts = { 0, 2000000 };
	long ret;

	test_init(argc, argv);
	test_ready();
	__asm__ volatile("fnstcw %0; stmxcsr %1" : "=m"(cw_old), "=m"(mxcsr_old));
	mxcsr_in = (mxcsr_old & ~0x6000u) | 0x4000 | 0x8000;
	__asm__ volatile("fninit; fldcw %0; ldmxcsr %1" : : "m"(cw_in), "m"(mxcsr_in));
	__asm__ volatile("fldt 0(%0); fldt 16(%0); fldt 32(%0); fldt 48(%0); fldt 64(%0); fldt 80(%0); fldt 96(%0)"
			 :
			 : "r"(in));
	/* Until the file is there: only system calls, no library. */
	{
		static char path[8192];
		int n;

		n = snprintf(path, sizeof(path) - 64, "%s/%s.go", test_dir, test_name);
		path[n] = 0;
		for (;;) {
			__asm__ volatile("syscall"
					 : "=a"(ret)
					 : "0"(SYS_access), "D"(path), "S"(0L)
					 : "rcx", "r11", "memory");
			if (ret == 0)
				break;
			__asm__ volatile("syscall"
					 : "=a"(ret)
					 : "0"(SYS_nanosleep), "D"(&ts), "S"(0L)
					 : "rcx", "r11", "memory");
		}
	}
	__asm__ volatile("fnstcw %0; stmxcsr %1" : "=m"(cw_out), "=m"(mxcsr_out));
	__asm__ volatile(
		"fstpt 96(%0); fstpt 80(%0); fstpt 64(%0); fstpt 48(%0); fstpt 32(%0); fstpt 16(%0); fstpt 0(%0)"
		:
		: "r"(out)
		: "memory");
	__asm__ volatile("fldcw %0; ldmxcsr %1" : : "m"(cw_old), "m"(mxcsr_old));
	CHECK_EQ(cw_out, cw_in);
	CHECK_EQ(mxcsr_out, mxcsr_in);
	for (int i = 0; i < 7; i++)
		if (memcmp(&in[i], &out[i], 10))
			fail("st%d differs", i);
	pass();
}
