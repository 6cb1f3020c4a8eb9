/* SPDX-License-Identifier: GPL-2.0 */
#include "task/posix_timers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "task/core_restore.h"

#define NSEC 1000000000

/* Where the kernel can't be told an id it is reached by creating one timer after the other: this takes seconds. */
#define MAX_COUNTED_ID (1 << 24)

/* ---- clocks -------------------------------------------------------------------------------------------------- */

static bool is_thread_of(const struct task *task, pid_t tid)
{
	for (size_t i = 0; i < task->nr_threads; i++)
		if (task->threads[i].tid == tid)
			return true;
	return false;
}

bool posix_clock_known(int clock, const struct task *task)
{
	pid_t pid = CPU_CLOCK_PID(clock);

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
	case CLOCK_TAI:
		return true;
	}
	if (clock >= 0 || CPU_CLOCK_KIND(clock) == CPU_CLOCK_OF_DESCRIPTOR)
		return false;
	if (clock & CPU_CLOCK_OF_THREAD)
		return !pid || is_thread_of(task, pid);
	return !pid || pid == task->pid;
}

/* The id of the timer that sent it; -1: none has. */
static int sender_of(const SiginfoEntry *signal)
{
	siginfo_t info;

	memcpy(&info, signal->siginfo.data, sizeof(info));
	return info.si_code == SI_TIMER ? info.si_timerid : -1;
}

/* ---- dump ---------------------------------------------------------------------------------------------------- */

static int compare_dumped(const void *a, const void *b)
{
	const struct posix_timer *x = a, *y = b;

	return (x->proc.id > y->proc.id) - (x->proc.id < y->proc.id);
}

/* The timer that sent it to TID, or NULL. */
static struct posix_timer *find_dumped(const struct posix_timers *timers, pid_t tid, const SiginfoEntry *signal)
{
	struct posix_timer key = { .proc.id = sender_of(signal) }, *t;

	if (key.proc.id < 0)
		return NULL;
	t = bsearch(&key, timers->v, timers->nr, sizeof(key), compare_dumped);
	return t && (t->proc.to_thread ? t->proc.target : 0) == tid ? t : NULL;
}

void posix_timers_note_sent(struct posix_timers *timers, pid_t tid, const SignalQueueEntry *queue)
{
	for (size_t i = 0; timers->nr && i < queue->n_signals; i++) {
		struct posix_timer *t = find_dumped(timers, tid, queue->signals[i]);

		if (t)
			t->sent = true;
	}
}

static bool is_late(const struct posix_timer *t)
{
	const struct parasite_timer *in = &t->inside;

	if (!in->value_sec && !in->value_nsec)
		return false;
	/* One that has sent its only signal has no time left, unless it has been set again: the signal is void then. */
	return !t->sent || (!in->interval_sec && !in->interval_nsec);
}

void posix_timers_drop_late(const struct posix_timers *timers, pid_t tid, SignalQueueEntry *queue)
{
	size_t kept = 0;

	for (size_t i = 0; timers->nr && i < queue->n_signals; i++) {
		const struct posix_timer *t = find_dumped(timers, tid, queue->signals[i]);

		if (t && is_late(t))
			siginfo_entry__free_unpacked(queue->signals[i], NULL);
		else
			queue->signals[kept++] = queue->signals[i];
	}
	if (timers->nr)
		queue->n_signals = kept;
}

void posix_timers_sort(struct posix_timers *timers)
{
	if (timers->nr)
		qsort(timers->v, timers->nr, sizeof(*timers->v), compare_dumped);
}

static PosixTimerEntry *make_entry(const struct posix_timer *t)
{
	PosixTimerEntry *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	posix_timer_entry__init(p);
	p->it_id = t->proc.id;
	p->clock_id = t->clock;
	p->si_signo = t->proc.signo;
	p->it_sigev_notify = t->proc.notify;
	p->sival_ptr = t->proc.sigval;
	p->overrun = t->inside.overrun;
	p->isec = t->inside.interval_sec;
	p->insec = t->inside.interval_nsec;
	p->vsec = t->inside.value_sec;
	p->vnsec = t->inside.value_nsec;
	if (t->proc.to_thread) {
		p->it_sigev_notify |= SIGEV_THREAD_ID;
		p->has_notify_thread_id = true;
		p->notify_thread_id = t->proc.target;
	}
	return p;
}

int posix_timers_dump(const struct posix_timers *timers, TaskTimersEntry *e)
{
	if (!timers->nr)
		return 0;
	e->posix = calloc(timers->nr, sizeof(*e->posix));
	if (!e->posix)
		return -ENOMEM;
	for (; e->n_posix < timers->nr; e->n_posix++) {
		e->posix[e->n_posix] = make_entry(&timers->v[e->n_posix]);
		if (!e->posix[e->n_posix])
			return -ENOMEM;
	}
	return 0;
}

/* ---- restore ------------------------------------------------------------------------------------------------- */

static pid_t target_of(const PosixTimerEntry *p)
{
	return p->it_sigev_notify & SIGEV_THREAD_ID && p->has_notify_thread_id ? p->notify_thread_id : 0;
}

static int compare_ids(const void *a, const void *b)
{
	const PosixTimerEntry *x = *(PosixTimerEntry *const *)a, *y = *(PosixTimerEntry *const *)b;

	return (x->it_id > y->it_id) - (x->it_id < y->it_id);
}

static const char *find_damage(const struct task *task, const PosixTimerEntry *p)
{
	int notify = p->it_sigev_notify & ~SIGEV_THREAD_ID;

	if (p->it_id > INT32_MAX)
		return "its number";
	if (!posix_clock_known((int)p->clock_id, task))
		return "its clock";
	if (notify != SIGEV_SIGNAL && notify != SIGEV_NONE && notify != SIGEV_THREAD)
		return "how it notifies";
	if (p->it_sigev_notify & SIGEV_THREAD_ID && (notify != SIGEV_SIGNAL || !is_thread_of(task, target_of(p))))
		return "whom it notifies";
	if (notify != SIGEV_NONE && (p->si_signo < 1 || p->si_signo > PLAN_NSIG))
		return "its signal";
	if (p->overrun > INT32_MAX)
		return "its overrun";
	if (p->isec > INT64_MAX || p->insec >= NSEC || p->vsec > INT64_MAX || p->vnsec >= NSEC)
		return "its time";
	return NULL;
}

int posix_timers_validate(struct cr_ctx *ctx, const struct task *task, TaskTimersEntry *e)
{
	for (size_t i = 0; i < e->n_posix; i++) {
		const char *damage = find_damage(task, e->posix[i]);

		if (damage)
			return cr_fail(ctx, -EINVAL, "core-%d.img is damaged: POSIX timer %u, %s", task->pid,
				       e->posix[i]->it_id, damage);
	}
	if (e->n_posix)
		qsort(e->posix, e->n_posix, sizeof(*e->posix), compare_ids);
	for (size_t i = 1; i < e->n_posix; i++)
		if (e->posix[i]->it_id == e->posix[i - 1]->it_id)
			return cr_fail(ctx, -EINVAL, "core-%d.img is damaged: there are two POSIX timers %u", task->pid,
				       e->posix[i]->it_id);
	return 0;
}

bool posix_timers_too_high(const TaskTimersEntry *e)
{
	return e->n_posix && e->posix[e->n_posix - 1]->it_id > MAX_COUNTED_ID;
}

bool posix_timers_need_privilege(const TaskTimersEntry *e)
{
	for (size_t i = 0; i < e->n_posix; i++)
		if (e->posix[i]->clock_id == CLOCK_REALTIME_ALARM || e->posix[i]->clock_id == CLOCK_BOOTTIME_ALARM)
			return true;
	return false;
}

static void note_signals(const SignalQueueEntry *queue, pid_t tid, const TaskTimersEntry *e, struct plan_timer *timers)
{
	for (size_t i = 0; e->n_posix && i < signals_count(queue); i++) {
		PosixTimerEntry key = { .it_id = sender_of(queue->signals[i]) }, *p = &key, **found;

		found = bsearch(&p, e->posix, e->n_posix, sizeof(p), compare_ids);
		if (!found || target_of(*found) != tid)
			continue;
		p = *found;
		/* One that runs to its only expiration has sent nothing: that was for an earlier setting. */
		if (p->isec || p->insec || (!p->vsec && !p->vnsec))
			timers[found - e->posix].signalled = 1;
	}
}

void posix_timers_to_plan(const struct task *task, CoreEntry *const *cores, struct plan_timer *ret)
{
	const TaskTimersEntry *e = cores[0]->tc->timers;

	for (size_t i = 0; i < e->n_posix; i++) {
		const PosixTimerEntry *p = e->posix[i];

		ret[i] = (struct plan_timer){
			.id = p->it_id,
			.clock = p->clock_id == CLOCK_PROCESS_CPUTIME_ID  ? OWN_PROCESS_CLOCK
				 : p->clock_id == CLOCK_THREAD_CPUTIME_ID ? OWN_THREAD_CLOCK
									  : (int)p->clock_id,
			.signo = p->si_signo,
			.notify = p->it_sigev_notify,
			.tid = target_of(p),
			.overrun = p->overrun,
			.sigval = p->sival_ptr,
			.interval_sec = p->isec,
			.interval_nsec = p->insec,
			.value_sec = p->vsec,
			.value_nsec = p->vnsec,
		};
	}
	note_signals(cores[0]->tc->signals_s, 0, e, ret);
	for (size_t i = 0; i < task->nr_threads; i++)
		note_signals(cores[i]->thread_core->signals_p, task->threads[i].tid, e, ret);
}
