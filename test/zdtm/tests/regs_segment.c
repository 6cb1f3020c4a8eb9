/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bases of the fs and gs segments.
 *
 * fs carries the C library's thread-local storage; gs is free and gets a value of its own.
 */
#include <asm/prctl.h>
#include <sys/syscall.h>

#include "zdtm.h"

static __thread char tls[1000] = "initialised";
static uint64_t cell[4] = { 1, 2, 3, 0x1122334455667788ull };

int main(int argc, char **argv)
{
	unsigned long fs, gs, now;
	uint64_t got;

	test_init(argc, argv);
	MUST(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
	MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, cell));
	gs = (unsigned long)cell;
	test_fill(tls, sizeof(tls), 5);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, cell + 1));
	MUST(syscall(SYS_arch_prctl, ARCH_GET_FS, &now));
	CHECK_EQ(now, fs);
	MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &now));
	CHECK_EQ(now, gs);
	__asm__ volatile("mov %%gs:24, %0" : "=r"(got));
	CHECK_EQ(got, cell[3]);
	test_verify(tls, sizeof(tls), 5);
	pass();
}
