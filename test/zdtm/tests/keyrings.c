/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keyrings can't be kept: session, process and thread keyrings are named in the log.
 *
 * expect: warned keyring won.t be restored
 * rounds: 1
 */
#include <linux/keyctl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "zdtm.h"

static atomic_int started, end;

static long own_keyring(int which, int create)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, which, create);
}

static void *body(void *arg)
{
	MUST(own_keyring(KEY_SPEC_THREAD_KEYRING, 1));
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	test_init(argc, argv);
	if (own_keyring(KEY_SPEC_PROCESS_KEYRING, 0) < 0 && errno == ENOSYS)
		skip("no keyrings");
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);

	test_ready();
	test_wait();

	/* Without a dump it is still there. */
	CHECK(own_keyring(KEY_SPEC_PROCESS_KEYRING, 0) < 0);
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pass();
}
