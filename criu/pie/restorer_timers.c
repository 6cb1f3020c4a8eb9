/* SPDX-License-Identifier: GPL-2.0 */
/*
 * POSIX timers: timer_create(2).
 *
 * What the kernel remembers of an expiration stands in the timer, not in the signal: a pending one is sent anew by the
 * timer itself, which is set to a time in the past. So the periods go on in step, and when the signal is taken the
 * kernel counts those that have passed and starts the timer again.
 */
#include <compel/plugins/std.h>
#include <signal.h>
#include <time.h>

#include "base/prctl.h"
#include "pie/restorer.h"

#define NSEC 1000000000ll
/* Clocks of CPU time are numbers with a pid in them, inverted: 0 is the caller. */
#define THREAD_CLOCK	 6
#define OWN_THREAD_CLOCK (~0 * 8 | THREAD_CLOCK)
/* Looks at a timer that is due. It fires within microseconds. */
#define MAX_LOOKS 1000000

/* The kernel's struct sigevent. */
struct kernel_sigevent {
	uint64_t value;
	int32_t signo, notify, tid;
	int32_t pad[11];
};

struct kernel_itimerspec {
	struct {
		int64_t sec, nsec;
	} interval, value;
};

/* ---- creation ------------------------------------------------------------------------------------------------ */

static void create_timer(struct restorer_args *args, const struct plan_timer *t)
{
	struct kernel_sigevent event = { t->sigval, t->signo, t->notify, t->tid };

	for (;;) {
		int id = t->id;

		check(args, OP_TIMER_CREATE, sys_timer_create(t->clock, &event, &id), t->id, t->clock);
		if (id == t->id)
			return;
		/* Without help they come one after the other. */
		if (args->timer_ids || id > t->id)
			give_up(args, OP_TIMER_ID, -EBUSY, t->id, id);
		sys_timer_delete(id);
	}
}

void create_timers(struct restorer_args *args)
{
	if (!args->nr_timers)
		return;
	if (args->timer_ids)
		check(args, OP_TIMER_ID,
		      sys_prctl(PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_ON, 0, 0, 0),
		      args->timers[0].id, 0);
	for (uint32_t i = 0; i < args->nr_timers; i++)
		create_timer(args, &args->timers[i]);
	if (args->timer_ids)
		sys_prctl(PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_OFF, 0, 0, 0);
	count_down(&args->timers_left);
}

/* ---- expirations --------------------------------------------------------------------------------------------- */

static int64_t interval_of(const struct plan_timer *t)
{
	return t->interval_sec > INT64_MAX / NSEC - 1 ? INT64_MAX : t->interval_sec * NSEC + t->interval_nsec;
}

/*
 * When a timer expired for the first of NR times, if it does the next time when its value says; 0: before its clock
 * began.
 */
static int64_t first_of(struct restorer_args *args, const struct plan_timer *t, uint64_t nr)
{
	struct {
		int64_t sec, nsec;
	} now;
	/* That of the first thread is its own only there. */
	int32_t clock = t->clock == OWN_THREAD_CLOCK ? ~args->pid * 8 | THREAD_CLOCK : t->clock;
	int64_t interval = interval_of(t), next;

	check(args, OP_TIMER_SET, sys_clock_gettime(clock, &now), t->id, 0);
	next = now.sec * NSEC + now.nsec;
	if (t->value_sec > (INT64_MAX - next) / NSEC - 1)
		return 0;
	next += t->value_sec * NSEC + t->value_nsec;
	return interval && nr <= (uint64_t)((next - 1) / interval) ? next - (int64_t)nr * interval : 0;
}

/* Has it expire at once, as it did at FIRST. */
static void fire(struct restorer_args *args, const struct plan_timer *t, int64_t first)
{
	struct kernel_itimerspec set = {
		.interval = { t->interval_sec, t->interval_nsec },
		.value = { first / NSEC, first % NSEC },
	};

	check(args, OP_TIMER_SET, sys_timer_settime(t->id, TIMER_ABSTIME, &set, NULL), t->id, 0);
	for (uint32_t looks = 0; looks < MAX_LOOKS; looks++) {
		check(args, OP_TIMER_SET, sys_timer_gettime(t->id, &set), t->id, 0);
		/* What is due but not yet sent has this left. */
		if (set.value.sec || set.value.nsec != 1)
			return;
	}
	give_up(args, OP_TIMER_FIRE, -ETIMEDOUT, t->id, 0);
}

void restore_overruns(struct restorer_args *args, int32_t tid)
{
	const int64_t no_wait[2] = { 0 };

	for (uint32_t i = 0; i < args->nr_timers; i++) {
		const struct plan_timer *t = &args->timers[i];
		uint64_t signal;
		int64_t first;

		if (!t->overrun || t->signalled || t->tid != tid || t->notify == SIGEV_NONE)
			continue;
		first = first_of(args, t, t->overrun + 1ull);
		if (!first)
			continue;
		fire(args, t, first);
		signal = 1ull << (t->signo - 1);
		check(args, OP_TIMER_FIRE, sys_rt_sigtimedwait(&signal, NULL, no_wait, sizeof(signal)), t->id, 0);
	}
}

/* ---- pending signals ----------------------------------------------------------------------------------------- */

/* The kernel's siginfo_t of SI_TIMER. */
struct timer_siginfo {
	int32_t signo, error, code, pad, timer;
};

static const struct plan_timer *find_timer(const struct restorer_args *args, const struct timer_siginfo *info)
{
	uint32_t low = 0, high = args->nr_timers;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (args->timers[middle].id < info->timer)
			low = middle + 1;
		else
			high = middle;
	}
	return low < args->nr_timers && args->timers[low].id == info->timer ? &args->timers[low] : NULL;
}

int signal_by_timer(struct restorer_args *args, int32_t tid, const struct plan_siginfo *queued)
{
	const struct timer_siginfo *info = (const struct timer_siginfo *)queued;
	const struct plan_timer *t;
	int64_t first = 1;

	if (!args->nr_timers || info->code != SI_TIMER)
		return 0;
	t = find_timer(args, info);
	if (!t || !t->signalled || t->tid != tid || t->signo != info->signo)
		return 0;
	if (interval_of(t)) {
		first = first_of(args, t, 1);
		/* A clock that is younger than the period: the signal comes as it is, the timer is started. */
		if (!first)
			return 0;
	}
	fire(args, t, first);
	return 1;
}

/* ---- the rest ------------------------------------------------------------------------------------------------ */

/* Those that have not been set to a time in the past. */
void start_timers(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_timers; i++) {
		const struct plan_timer *t = &args->timers[i];
		struct kernel_itimerspec set = {
			.interval = { t->interval_sec, t->interval_nsec },
			.value = { t->value_sec, t->value_nsec },
		};
		struct kernel_itimerspec now;

		if (!set.value.sec && !set.value.nsec)
			continue;
		check(args, OP_TIMER_SET, sys_timer_gettime(t->id, &now), t->id, 0);
		if (!now.value.sec && !now.value.nsec)
			check(args, OP_TIMER_SET, sys_timer_settime(t->id, 0, &set, NULL), t->id, 0);
	}
}
