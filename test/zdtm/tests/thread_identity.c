/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What else a thread may have for itself: groups, securebits, bounding and ambient set, parent-death signal,
 * personality.
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "zdtm.h"

static const gid_t groups[] = { 11, 22, 33 };
#define BITS (SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP_LOCKED)

static atomic_int started, end;

static void change(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	/* The bare system call changes one thread only. */
	MUST(syscall(SYS_setgroups, 3, groups));
	MUST(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT));
	MUST(syscall(SYS_capget, &head, caps));
	caps[0].inheritable |= 1 << CAP_NET_RAW;
	MUST(syscall(SYS_capset, &head, caps));
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
	MUST(prctl(PR_SET_SECUREBITS, BITS));
	MUST(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	MUST(personality(ADDR_NO_RANDOMIZE));
}

static void check(bool changed)
{
	gid_t now[16];
	int signal = -1;

	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_BOOT), !changed);
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0), changed);
	CHECK_EQ(prctl(PR_GET_SECUREBITS), changed ? BITS : 0);
	MUST(prctl(PR_GET_PDEATHSIG, &signal));
	CHECK_EQ(signal, changed ? SIGUSR1 : 0);
	CHECK_EQ(personality(0xffffffff), changed ? ADDR_NO_RANDOMIZE : 0);
	CHECK_EQ(syscall(SYS_getgroups, 16, now), changed ? 3 : 1);
	CHECK(changed ? !memcmp(now, groups, sizeof(groups)) : now[0] == 5);
}

static void *body(void *arg)
{
	change();
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	if (test_sabotage())
		MUST(personality(0));
	check(true);
	return NULL;
}

/* Not the first task: its parent is criu, that ends. */
static void run_child(struct test_sync *sync)
{
	const gid_t one = 5;
	pthread_t thread;

	MUST(setgroups(1, &one));
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);
	test_sync_done(sync);
	test_wait_polling();
	check(false);
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0)
		run_child(&sync);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	pass();
}
