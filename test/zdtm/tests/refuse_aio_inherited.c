/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ring of an AIO context that a child has inherited, and which no context of its own belongs to, is refused.
 *
 * expect: refused AIO ring .* has no context
 */
#include <linux/aio_abi.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	aio_context_t context = 0;
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	MUST(syscall(SYS_io_setup, 8, &context));
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	MUST(syscall(SYS_io_destroy, context));
	test_reap(kid);
	pass();
}
