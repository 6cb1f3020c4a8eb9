/* SPDX-License-Identifier: GPL-2.0 */
#include <signal.h>
#include <string.h>

#include "task/core_restore.h"

void sigactions_to_plan(const TaskCoreEntry *tc, struct plan_sigaction ret[PLAN_NSIG])
{
	size_t n = 0;

	for (int sig = 1; sig <= PLAN_NSIG; sig++) {
		const SaEntry *e;

		ret[sig - 1] = (struct plan_sigaction){ 0 };
		if (sig == SIGKILL || sig == SIGSTOP || n == tc->n_sigactions)
			continue;
		e = tc->sigactions[n++];
		ret[sig - 1] = (struct plan_sigaction){ e->sigaction, e->flags, e->restorer, e->mask };
	}
}

size_t signals_count(const SignalQueueEntry *queue)
{
	return queue ? queue->n_signals : 0;
}

bool signals_take_stop(SignalQueueEntry *queue)
{
	size_t n = 0, nr = signals_count(queue);

	for (size_t i = 0; i < nr; i++) {
		int32_t signo;

		memcpy(&signo, queue->signals[i]->siginfo.data, sizeof(signo));
		if (signo == SIGSTOP)
			siginfo_entry__free_unpacked(queue->signals[i], NULL);
		else
			queue->signals[n++] = queue->signals[i];
	}
	if (queue)
		queue->n_signals = n;
	return n < nr;
}

void signals_to_plan(const SignalQueueEntry *queue, struct plan_siginfo *ret)
{
	for (size_t i = 0; i < signals_count(queue); i++)
		memcpy(&ret[i], queue->signals[i]->siginfo.data, sizeof(ret[i]));
}
