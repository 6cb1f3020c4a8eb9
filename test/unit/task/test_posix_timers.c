/* SPDX-License-Identifier: GPL-2.0 */
/* POSIX timers: what is dumped is accepted, what is damaged is refused, signals find their timers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "task/posix_timers.h"

#define PID 100
#define TID 101

static struct task_thread threads[] = { { PID }, { TID } };
static const struct task task = { .pid = PID, .nr_threads = 2, .threads = threads };

static struct posix_timer make(int id, time_t value, time_t interval, pid_t tid)
{
	return (struct posix_timer){
		.proc = { .id = id,
			  .signo = SIGUSR1,
			  .sigval = 7,
			  .notify = SIGEV_SIGNAL,
			  .to_thread = tid != 0,
			  .target = tid ?: PID },
		.inside = { .id = id, .value_sec = value, .interval_sec = interval },
		.clock = CLOCK_MONOTONIC,
	};
}

static void queue_signal(SignalQueueEntry *queue, int code, int id)
{
	SiginfoEntry *e = malloc(sizeof(*e));
	siginfo_t info = { 0 };

	info.si_signo = SIGUSR1;
	info.si_code = code;
	info.si_timerid = id;
	siginfo_entry__init(e);
	e->siginfo.data = malloc(sizeof(info));
	e->siginfo.len = sizeof(info);
	memcpy(e->siginfo.data, &info, sizeof(info));
	queue->signals = realloc(queue->signals, (queue->n_signals + 1) * sizeof(e));
	queue->signals[queue->n_signals++] = e;
}

static SignalQueueEntry *new_queue(void)
{
	SignalQueueEntry *queue = malloc(sizeof(*queue));

	signal_queue_entry__init(queue);
	return queue;
}

static int id_of(const SignalQueueEntry *queue, size_t n)
{
	siginfo_t info;

	memcpy(&info, queue->signals[n]->siginfo.data, sizeof(info));
	return info.si_timerid;
}

static void late_signals_are_dropped(void **state)
{
	struct posix_timer v[] = {
		make(4, 10, 10, 0), /* periodic, had sent */
		make(3, 10, 10, 0), /* periodic, sent later */
		make(2, 0, 0, 0),   /* has sent its only one */
		make(1, 10, 0, 0),  /* runs still: what it sent is of an earlier setting, or came later */
		make(0, 10, 10, TID),
	};
	struct posix_timers timers = { v, 5 };
	SignalQueueEntry *queue = new_queue();

	posix_timers_sort(&timers);
	assert_int_equal(v[0].proc.id, 0);
	queue_signal(queue, SI_TIMER, 4);
	posix_timers_note_sent(&timers, 0, queue);
	for (int id = 3; id >= 0; id--)
		queue_signal(queue, SI_TIMER, id);
	queue_signal(queue, SI_TIMER, 77);
	queue_signal(queue, SI_QUEUE, 3);
	posix_timers_drop_late(&timers, 0, queue);
	assert_int_equal(queue->n_signals, 5);
	assert_int_equal(id_of(queue, 0), 4);
	assert_int_equal(id_of(queue, 1), 2);
	assert_int_equal(id_of(queue, 2), 0); /* the thread's timer doesn't send to the process */
	assert_int_equal(id_of(queue, 3), 77);
	assert_int_equal(id_of(queue, 4), 3);
	signal_queue_entry__free_unpacked(queue, NULL);
}

static TaskTimersEntry *new_entry(void)
{
	struct posix_timer v[] = { make(5, 1, 2, 0), make(9, 0, 0, TID), make(INT_MAX, 3, 0, 0) };
	struct posix_timers timers = { v, 3 };
	TaskTimersEntry *e = malloc(sizeof(*e));

	task_timers_entry__init(e);
	assert_int_equal(posix_timers_dump(&timers, e), 0);
	return e;
}

static void plans_have_all(void **state)
{
	CoreEntry leader = CORE_ENTRY__INIT, thread = CORE_ENTRY__INIT, *cores[] = { &leader, &thread };
	ThreadCoreEntry own = THREAD_CORE_ENTRY__INIT, other = THREAD_CORE_ENTRY__INIT;
	TaskCoreEntry tc = TASK_CORE_ENTRY__INIT;
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { NULL, &error };
	struct plan_timer plan[3];

	leader.tc = &tc;
	leader.thread_core = &own;
	thread.thread_core = &other;
	tc.timers = new_entry();
	tc.signals_s = new_queue();
	other.signals_p = new_queue();
	queue_signal(tc.signals_s, SI_TIMER, 9);
	queue_signal(tc.signals_s, SI_TIMER, INT_MAX);
	queue_signal(tc.signals_s, SI_QUEUE, 5);
	queue_signal(other.signals_p, SI_TIMER, 9);
	assert_int_equal(posix_timers_validate(&ctx, &task, tc.timers), 0);
	posix_timers_to_plan(&task, cores, plan);
	assert_int_equal(plan[0].id, 5);
	assert_int_equal(plan[0].value_sec, 1);
	assert_int_equal(plan[0].interval_sec, 2);
	assert_int_equal(plan[0].sigval, 7);
	assert_int_equal(plan[0].signalled, 0);
	assert_int_equal(plan[1].tid, TID);
	assert_int_equal(plan[1].notify, SIGEV_THREAD_ID);
	assert_int_equal(plan[1].signalled, 1);
	assert_int_equal(plan[2].signalled, 0);
	tc.timers->posix[0]->clock_id = CLOCK_THREAD_CPUTIME_ID;
	posix_timers_to_plan(&task, cores, plan);
	assert_int_equal(plan[0].clock, -2);
	task_timers_entry__free_unpacked(tc.timers, NULL);
	signal_queue_entry__free_unpacked(tc.signals_s, NULL);
	signal_queue_entry__free_unpacked(other.signals_p, NULL);
}

static void spoil_id(TaskTimersEntry *e)
{
	e->posix[0]->it_id = 0x80000000;
}

static void spoil_twice(TaskTimersEntry *e)
{
	e->posix[1]->it_id = 5;
}

static void spoil_clock(TaskTimersEntry *e)
{
	e->posix[0]->clock_id = 12;
}

static void spoil_foreign_clock(TaskTimersEntry *e)
{
	e->posix[0]->clock_id = CPU_CLOCK(4711, 2);
}

static void spoil_device_clock(TaskTimersEntry *e)
{
	e->posix[0]->clock_id = CPU_CLOCK(3, CPU_CLOCK_OF_DESCRIPTOR);
}

static void spoil_notify(TaskTimersEntry *e)
{
	e->posix[0]->it_sigev_notify = 3;
}

static void spoil_thread(TaskTimersEntry *e)
{
	e->posix[1]->notify_thread_id = 4711;
}

static void spoil_no_thread(TaskTimersEntry *e)
{
	e->posix[1]->has_notify_thread_id = false;
}

static void spoil_signal(TaskTimersEntry *e)
{
	e->posix[0]->si_signo = 65;
}

static void spoil_time(TaskTimersEntry *e)
{
	e->posix[0]->vnsec = 1000000000;
}

static void spoil_overrun(TaskTimersEntry *e)
{
	e->posix[0]->overrun = UINT32_MAX;
}

static void damage_is_refused(void **state)
{
	static void (*const spoil[])(TaskTimersEntry * e) = {
		spoil_id,     spoil_twice,  spoil_clock,     spoil_foreign_clock, spoil_device_clock, spoil_notify,
		spoil_thread, spoil_signal, spoil_no_thread, spoil_time,	  spoil_overrun,
	};

	for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		struct cr_error error = { 0 };
		struct cr_ctx ctx = { NULL, &error };
		TaskTimersEntry *e = new_entry();

		spoil[i](e);
		assert_int_equal(posix_timers_validate(&ctx, &task, e), -EINVAL);
		assert_non_null(strstr(error.text, "POSIX timer"));
		task_timers_entry__free_unpacked(e, NULL);
	}
}

static void clocks_are_known(void **state)
{
	assert_true(posix_clock_known(CLOCK_TAI, &task));
	assert_true(posix_clock_known(-6, &task));
	assert_true(posix_clock_known(-2, &task));
	assert_true(posix_clock_known(CPU_CLOCK(TID, 6), &task));
	assert_int_equal(CPU_CLOCK_PID(CPU_CLOCK(TID, 6)), TID);
	assert_false(posix_clock_known(CPU_CLOCK(TID, 2), &task));
	assert_false(posix_clock_known(CLOCK_MONOTONIC_RAW, &task));
	assert_false(posix_clock_known(-1, &task));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_signals_are_dropped),
		cmocka_unit_test(plans_have_all),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(clocks_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
