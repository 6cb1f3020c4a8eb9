/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory policies (set_mempolicy(2)), each thread its own, with their flags; a child without.
 */
#include <linux/mempolicy.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "zdtm.h"

static const unsigned long node0[16] = { 1 };
static atomic_int started, end;

static void check_policy(int mode, unsigned long nodes)
{
	unsigned long now[16] = { 0 };
	int got = -1;

	MUST(syscall(SYS_get_mempolicy, &got, now, sizeof(now) * 8, 0, 0));
	CHECK_EQ(got, mode);
	CHECK_EQ(now[0], nodes);
}

/* One that inherits the first thread's, one that has gone back to the default. */
static void *body(void *arg)
{
	if (arg)
		MUST(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
	atomic_fetch_add(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	if (arg)
		check_policy(MPOL_DEFAULT, 0);
	else
		check_policy(MPOL_BIND | MPOL_F_STATIC_NODES, 1);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync);
	if (syscall(SYS_set_mempolicy, MPOL_BIND | MPOL_F_STATIC_NODES, node0, sizeof(node0) * 8) < 0)
		skip("no memory policies: %s", strerror(errno));
	for (long i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, body, (void *)i), 0);
	while (atomic_load(&started) < 2)
		test_msleep(2);
	kid = MUST(fork());
	if (kid == 0) {
		MUST(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
		test_sync_done(&sync);
		test_wait_polling();
		check_policy(MPOL_DEFAULT, 0);
		_exit(0);
	}
	test_sync_wait(&sync, 1);
	MUST(syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, node0, sizeof(node0) * 8));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(syscall(SYS_set_mempolicy, MPOL_PREFERRED, node0, sizeof(node0) * 8));
	check_policy(MPOL_INTERLEAVE, 1);
	atomic_store(&end, 1);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	test_reap(kid);
	pass();
}
