/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Timers go on while a task is stopped, and what they send waits in its queues. So that the image holds one moment they
 * are looked at once, what had been sent by then is noted, and what they send later is left out.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "dump/state.h"
#include "proc/timers.h"
#include "task/core_dump.h"

static const int itimer_signals[] = { SIGALRM, SIGVTALRM, SIGPROF };

/* ---- POSIX timers -------------------------------------------------------------------------------------------- */

static int refuse_timer(struct dump *d, const struct task *task, const struct proc_timer *t, const char *why)
{
	return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s): POSIX timer %d, %s, isn't supported", task->pid,
		       task->dump->stat.comm, t->id, why);
}

static bool has_thread(const struct task *task, pid_t tid)
{
	for (size_t i = 0; i < task->nr_threads; i++)
		if (task->threads[i].tid == tid)
			return true;
	return false;
}

static int check_timer(struct dump *d, const struct task *task, const struct proc_timer *t)
{
	if (!posix_clock_known(t->clockid, task))
		return refuse_timer(d, task, t, "on the clock of a device or of another process, or one that is gone");
	if (t->to_thread && !has_thread(task, t->target))
		return refuse_timer(d, task, t, "which notifies a thread that is gone");
	return 0;
}

int dump_list_timers(struct dump *d, const struct task *task)
{
	_cleanup_proc_timer_list_ struct proc_timer_list list = { 0 };
	struct posix_timers *timers = &state_of(task)->timers;
	int r = proc_read_timers(task->dump->procfd, &list);

	if (r < 0 && r != -ENOENT)
		return cr_fail_errno(d->ctx, r, "Can't read the timers of task %d", task->pid);
	if (!list.nr)
		return 0;
	timers->v = calloc(list.nr, sizeof(*timers->v));
	if (!timers->v)
		return -ENOMEM;
	for (r = 0; timers->nr < list.nr && !r; timers->nr++) {
		struct posix_timer *t = &timers->v[timers->nr];

		t->proc = list.v[timers->nr];
		t->clock = t->proc.clockid;
		r = check_timer(d, task, &t->proc);
	}
	posix_timers_sort(timers);
	return r;
}

static int note_sent(struct dump *d, const struct task *task, pid_t tid, pid_t target)
{
	SignalQueueEntry *queue = NULL;
	int r = pending_signals_dump(d->ctx, tid, !target, &queue);

	if (!r)
		posix_timers_note_sent(&state_of(task)->timers, target, queue);
	if (queue)
		signal_queue_entry__free_unpacked(queue, NULL);
	return r;
}

static int note_all_sent(struct dump *d, const struct task *task)
{
	const struct posix_timers *timers = &state_of(task)->timers;
	int r = note_sent(d, task, task->pid, 0);

	for (size_t i = 0; i < timers->nr && !r; i++)
		if (timers->v[i].proc.to_thread)
			r = note_sent(d, task, timers->v[i].proc.target, timers->v[i].proc.target);
	return r;
}

/* How the timers [first, first + nr) look to one thread, whose OWN_CLOCK, unless that is 0, they are compared with. */
static int look(struct dump *d, struct task *task, size_t thread, size_t first, size_t nr, int own_clock)
{
	const struct posix_timer *v = &state_of(task)->timers.v[first];
	struct parasite_timers *args = &parasite_args(task)->timers;

	args->nr = nr;
	args->own_clock = own_clock;
	for (size_t i = 0; i < nr; i++)
		args->v[i] = (struct parasite_timer){ .id = v[i].proc.id };
	return parasite_run(d->ctx, task, thread, PARASITE_GET_TIMERS);
}

static int look_all(struct dump *d, struct task *task)
{
	struct posix_timers *timers = &state_of(task)->timers;
	size_t nr;
	int r = 0;

	for (size_t first = 0; first < timers->nr && !r; first += nr) {
		nr = timers->nr - first < PARASITE_MAX_TIMERS ? timers->nr - first : PARASITE_MAX_TIMERS;
		r = look(d, task, 0, first, nr, 0);
		for (size_t i = 0; i < nr && !r; i++)
			timers->v[first + i].inside = parasite_args(task)->timers.v[i];
	}
	return r;
}

/* The index of the thread that it notifies, which most often is the one whose time it is. */
static size_t likely_owner(const struct task *task, const struct posix_timer *t)
{
	for (size_t i = 0; t->proc.to_thread && i < task->nr_threads; i++)
		if (task->threads[i].tid == t->proc.target)
			return i;
	return 0;
}

/* The kernel doesn't say whose CPU time it is, but it only goes on in the thread that runs. */
static int find_own_clock(struct dump *d, struct task *task, size_t n)
{
	struct posix_timer *t = &state_of(task)->timers.v[n];
	size_t likely = likely_owner(task, t);

	if (!t->inside.value_sec && !t->inside.value_nsec)
		return refuse_timer(d, task, &t->proc, "stopped, on the CPU time of one of several threads");
	for (size_t k = 0; k < task->nr_threads; k++) {
		size_t i = !k ? likely : k <= likely ? k - 1 : k;
		int r = look(d, task, i, n, 1, t->proc.clockid);

		if (r < 0)
			return r;
		if (!parasite_args(task)->timers.v[0].runs)
			continue;
		if (i)
			t->clock = CPU_CLOCK(task->threads[i].tid, CPU_CLOCK_KIND(t->clock) | CPU_CLOCK_OF_THREAD);
		return 0;
	}
	return refuse_timer(d, task, &t->proc, "on the CPU time of a thread that is gone");
}

int dump_ask_timers(struct dump *d, struct task *task)
{
	struct posix_timers *timers = &state_of(task)->timers;
	int r;

	if (!timers->nr)
		return 0;
	r = note_all_sent(d, task);
	if (!r)
		r = look_all(d, task);
	for (size_t i = 0; i < timers->nr && !r; i++) {
		int clock = timers->v[i].clock;

		if (task->nr_threads > 1 && clock < 0 && clock & CPU_CLOCK_OF_THREAD && !CPU_CLOCK_PID(clock))
			r = find_own_clock(d, task, i);
	}
	return r;
}

/* ---- interval timers ----------------------------------------------------------------------------------------- */

/* The number of the interval timer that has sent it; -1: none has. */
static int sender_of(const SiginfoEntry *signal)
{
	siginfo_t info;

	memcpy(&info, signal->siginfo.data, sizeof(info));
	for (int i = 0; i < 3 && info.si_code == SI_KERNEL; i++)
		if (info.si_signo == itimer_signals[i])
			return i;
	return -1;
}

int dump_note_itimers(struct dump *d, const struct task *task)
{
	SignalQueueEntry *queue = NULL;
	int r = pending_signals_dump(d->ctx, task->pid, true, &queue);

	for (size_t i = 0; !r && i < queue->n_signals; i++) {
		int timer = sender_of(queue->signals[i]);

		if (timer >= 0)
			state_of(task)->sent_by_itimers |= 1u << timer;
	}
	if (queue)
		signal_queue_entry__free_unpacked(queue, NULL);
	return r;
}

static bool is_late(const struct dump_state *s, const SiginfoEntry *signal)
{
	int timer = sender_of(signal);
	const struct parasite_itimer *it = &s->inside.itimers[timer < 0 ? 0 : timer];

	return timer >= 0 && !(s->sent_by_itimers & 1u << timer) && (it->value_sec || it->value_usec);
}

void dump_drop_late(const struct task *task, pid_t tid, SignalQueueEntry *queue)
{
	const struct dump_state *s = state_of(task);
	size_t kept = 0;

	posix_timers_drop_late(&s->timers, tid, queue);
	for (size_t i = 0; i < queue->n_signals && !tid; i++) {
		if (is_late(s, queue->signals[i]))
			siginfo_entry__free_unpacked(queue->signals[i], NULL);
		else
			queue->signals[kept++] = queue->signals[i];
	}
	if (!tid)
		queue->n_signals = kept;
}
