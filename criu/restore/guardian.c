/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/guardian.h"

#include <signal.h>
#include <sys/syscall.h>

#include "base/watcher.h"

static void kill_tasks(void *arg)
{
	const struct restore_shared *shared = arg;

	if (__atomic_load_n(&shared->committed, __ATOMIC_ACQUIRE))
		return;
	for (uint64_t i = 0; i < shared->nr_slots; i++)
		if (shared->slots[i].pid > 0)
			syscall(SYS_kill, shared->slots[i].pid, SIGKILL);
}

int guardian_start(struct restore *r)
{
	/* One thread's option is cleared by one call. */
	if (r->tree.nr_threads == 1)
		return 0;
	return watcher_start(&r->ctx, kill_tasks, r->shared, &r->guardian);
}

void guardian_end(struct restore *r)
{
	watcher_end(&r->guardian);
}
