/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instructions RDTSC (PR_SET_TSC) and CPUID (ARCH_SET_CPUID) disabled in a thread, the other keeps them.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "zdtm.h"

#define GET_CPUID 0x1011
#define SET_CPUID 0x1012

static atomic_int started, end;
static __thread sigjmp_buf back;
static bool has_cpuid;

static void on_fault(int sig)
{
	siglongjmp(back, 1);
}

static bool tsc_faults(void)
{
	if (sigsetjmp(back, 1))
		return true;
	__asm__ volatile("rdtsc" : : : "eax", "edx");
	return false;
}

static bool cpuid_faults(void)
{
	int leaf = 0;

	if (sigsetjmp(back, 1))
		return true;
	__asm__ volatile("cpuid" : "+a"(leaf) : : "ebx", "ecx", "edx");
	return false;
}

static void *body(void *arg)
{
	MUST(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	if (has_cpuid)
		MUST(syscall(SYS_arch_prctl, SET_CPUID, 0));
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		usleep(3000);
	if (test_sabotage())
		MUST(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	CHECK(tsc_faults());
	CHECK_EQ(cpuid_faults(), has_cpuid);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	test_init(argc, argv);
	signal(SIGSEGV, on_fault);
	has_cpuid = !syscall(SYS_arch_prctl, SET_CPUID, 1);
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);

	test_ready();
	test_wait();

	CHECK(!tsc_faults());
	CHECK(!cpuid_faults());
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pass();
}
