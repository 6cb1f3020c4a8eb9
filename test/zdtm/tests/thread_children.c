/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Children that were forked by different threads are children of the process after the restore.
 *
 * ignore: ^\d+/children/ /proc tells by which thread a child was forked; wait(2) asks the process
 */
#include <pthread.h>
#include <stdatomic.h>

#include "zdtm.h"

#define NR 3

static pid_t kids[NR];
static atomic_int nr_started, parent_done;

static void *body(void *arg)
{
	int nr = (intptr_t)arg;

	kids[nr] = MUST(fork());
	if (kids[nr] == 0) {
		pid_t parent = getppid();

		test_wait_polling();
		CHECK_EQ(getppid(), parent);
		_exit(nr + 40);
	}
	atomic_fetch_add(&nr_started, 1);
	while (!atomic_load(&parent_done))
		test_msleep(5);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[NR];
	int i;

	test_init(argc, argv);
	for (i = 0; i < NR; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, body, (void *)(intptr_t)i), 0);
	while (atomic_load(&nr_started) < NR)
		test_msleep(2);

	test_ready();
	test_wait();

	for (i = 0; i < NR; i++)
		test_reap_status(kids[i], (i + 40 + test_sabotage()) << 8);
	atomic_store(&parent_done, 1);
	for (i = 0; i < NR; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	pass();
}
