/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread may have credentials other than its process: user and group ids, capabilities.
 *
 * The bare system calls change one thread only.
 */
#include <linux/capability.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "zdtm.h"

static atomic_int started, end;

static void *body(void *arg)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2] = { { 0 } }, now[2] = { { 0 } };
	uid_t r, e, s;

	MUST(prctl(PR_SET_KEEPCAPS, 1));
	MUST(syscall(SYS_setresgid, 71, 72, 73));
	MUST(syscall(SYS_setresuid, 61, 62, 63));
	caps[0].permitted = 1 << CAP_NET_RAW | 1 << CAP_KILL;
	caps[0].effective = 1 << CAP_KILL;
	caps[0].inheritable = 1 << CAP_NET_RAW;
	MUST(syscall(SYS_capset, &head, caps));
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	if (*(bool *)arg)
		MUST(syscall(SYS_setresuid, -1, 63, -1));
	MUST(syscall(SYS_getresuid, &r, &e, &s));
	CHECK(r == 61 && e == 62 && s == 63);
	MUST(syscall(SYS_getresgid, &r, &e, &s));
	CHECK(r == 71 && e == 72 && s == 73);
	MUST(syscall(SYS_capget, &head, now));
	CHECK_MEM(now, caps, sizeof(caps));
	return NULL;
}

int main(int argc, char **argv)
{
	bool spoil = false;
	pthread_t thread;

	test_init(argc, argv);
	CHECK_EQ(pthread_create(&thread, NULL, body, &spoil), 0);
	while (!atomic_load(&started))
		test_msleep(2);

	test_ready();
	test_wait();

	spoil = test_sabotage();
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(getegid(), 0);
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pass();
}
