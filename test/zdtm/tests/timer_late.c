/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Timers that end while the task is being dumped: each sends one signal, not one before the time and one at it.
 */
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include "zdtm.h"

/* Takes longer to dump than most of the timers run. */
#define SIZE   (128ul << 20)
#define NR     12
#define RUN_MS 12

static const struct itimerval alarm_in = { .it_value.tv_usec = 3 * RUN_MS * 1000 };
static timer_t timers[NR];
static volatile int nr_alarms, nr_signals, early;

static void on_alarm(int signo)
{
	struct itimerval left;

	getitimer(ITIMER_REAL, &left);
	early |= left.it_value.tv_sec || left.it_value.tv_usec;
	nr_alarms++;
	setitimer(ITIMER_REAL, &alarm_in, NULL);
}

static void start(int n)
{
	const struct itimerspec in = { .it_value.tv_nsec = (n + 1) * RUN_MS * 1000000 };

	timer_settime(timers[n], 0, &in, NULL);
}

static void on_timer(int signo, siginfo_t *info, void *context)
{
	struct itimerspec left;
	int n = info->si_value.sival_int;

	timer_gettime(timers[n], &left);
	early |= left.it_value.tv_sec || left.it_value.tv_nsec;
	nr_signals++;
	start(n);
}

int main(int argc, char **argv)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	const struct sigaction action = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO };
	int alarms, signals, n;
	char *mem;

	test_init(argc, argv);
	mem = MUST(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memset(mem, 0x5a, SIZE);
	signal(SIGALRM, on_alarm);
	MUST(sigaction(SIGRTMIN, &action, NULL));
	for (n = 0; n < NR; n++) {
		event.sigev_value.sival_int = n;
		MUST(timer_create(CLOCK_MONOTONIC, &event, &timers[n]));
		start(n);
	}
	MUST(setitimer(ITIMER_REAL, &alarm_in, NULL));

	test_ready();
	test_wait_polling();

	if (test_sabotage())
		raise(SIGALRM);
	CHECK(!early);
	alarms = nr_alarms;
	signals = nr_signals;
	for (int i = 0; i < 500 && (nr_alarms == alarms || nr_signals < signals + NR); i++)
		test_msleep(10);
	CHECK(nr_alarms > alarms && nr_signals >= signals + NR);
	pass();
}
