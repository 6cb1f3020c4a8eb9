/* SPDX-License-Identifier: GPL-2.0 */
/* Signal actions and queues: sigaction(2), PTRACE_PEEKSIGINFO in ptrace(2). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include "task/core_dump.h"

int sigactions_dump(const struct parasite_sigaction *actions, TaskCoreEntry *core)
{
	core->sigactions = calloc(PARASITE_NSIG, sizeof(*core->sigactions));
	if (!core->sigactions)
		return -ENOMEM;
	for (int signo = 1; signo <= PARASITE_NSIG; signo++) {
		const struct parasite_sigaction *a = &actions[signo - 1];
		SaEntry *e;

		if (signo == SIGKILL || signo == SIGSTOP)
			continue;
		e = malloc(sizeof(*e));
		if (!e)
			return -ENOMEM;
		sa_entry__init(e);
		e->sigaction = a->handler;
		e->flags = a->flags;
		e->restorer = a->restorer;
		e->mask = a->mask;
		e->has_compat_sigaction = true;
		e->compat_sigaction = false;
		core->sigactions[core->n_sigactions++] = e;
	}
	return 0;
}

/* The size of what the kernel copies for each signal. */
#define SIGINFO_SIZE 128
#define BATCH	     32

static int append_siginfo(SignalQueueEntry *queue, const void *info)
{
	SiginfoEntry **v = reallocarray(queue->signals, queue->n_signals + 1, sizeof(*v));
	SiginfoEntry *e;

	if (!v)
		return -ENOMEM;
	queue->signals = v;
	e = malloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	siginfo_entry__init(e);
	e->siginfo.data = malloc(SIGINFO_SIZE);
	if (!e->siginfo.data) {
		free(e);
		return -ENOMEM;
	}
	memcpy(e->siginfo.data, info, SIGINFO_SIZE);
	e->siginfo.len = SIGINFO_SIZE;
	v[queue->n_signals++] = e;
	return 0;
}

int pending_signals_dump(struct cr_ctx *ctx, pid_t tid, bool shared, SignalQueueEntry **ret)
{
	struct __ptrace_peeksiginfo_args args = { .flags = shared ? PTRACE_PEEKSIGINFO_SHARED : 0, .nr = BATCH };
	char infos[BATCH][SIGINFO_SIZE];
	SignalQueueEntry *queue;
	long got;

	_Static_assert(sizeof(siginfo_t) == SIGINFO_SIZE, "the kernel's siginfo");
	queue = malloc(sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	signal_queue_entry__init(queue);
	*ret = queue;
	while ((got = ptrace(PTRACE_PEEKSIGINFO, tid, &args, infos)) > 0) {
		for (long i = 0; i < got; i++) {
			int r = append_siginfo(queue, infos[i]);

			if (r < 0)
				return r;
		}
		args.off += got;
	}
	if (got < 0)
		return cr_fail_errno(ctx, -errno, "Can't read the queued signals of task %d", tid);
	return 0;
}
