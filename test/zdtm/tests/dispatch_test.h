/* SPDX-License-Identifier: GPL-2.0 */
/* A thread whose system calls become SIGSYS while its selector says so: prctl(2), PR_SET_SYSCALL_USER_DISPATCH. */
#ifndef DISPATCH_TEST_H
#define DISPATCH_TEST_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "zdtm.h"

#define SET_DISPATCH 59
#define ALLOW	     0
#define BLOCK	     1

static volatile char selector = ALLOW;
static atomic_int caught, started, end;
static bool spoil;

static inline void on_sigsys(int sig, siginfo_t *info, void *context)
{
	selector = ALLOW;
	atomic_store(&caught, info->si_syscall);
}

static inline void *dispatch_body(void *arg)
{
	const struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	MUST(sigaction(SIGSYS, &action, NULL));
	if (prctl(SET_DISPATCH, 1, 0x100000, 0x1000, &selector) < 0)
		skip("no user dispatch: %s", strerror(errno));
	/* No call may be made while it waits: it isn't the kernel's then. */
	selector = BLOCK;
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		;
	if (spoil)
		selector = ALLOW;
	syscall(SYS_getppid);
	CHECK_EQ(atomic_load(&caught), SYS_getppid);
	return NULL;
}

/* Linux 6.4: before, nobody else is told of it. */
static inline void need_dispatch_told(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	MUST(uname(&name));
	sscanf(name.release, "%d.%d", &major, &minor);
	if (major < 6 || (major == 6 && minor < 4))
		skip("Linux before 6.4");
}

static inline pthread_t start_dispatched(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, dispatch_body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);
	return thread;
}

/* Its next call becomes a signal. SPOILT: it doesn't. */
static inline void end_dispatched(pthread_t thread, bool spoilt)
{
	spoil = spoilt;
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

#endif
