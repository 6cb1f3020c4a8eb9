/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The alternate signal stack of the first thread: recorded, and used by the next signal; one task is on it while
 * dumped.
 */
#include "zdtm.h"

static char mem[64 << 10] __attribute__((aligned(16)));
static struct test_sync sync_all;
static volatile uintptr_t seen;

static void plain_handler(int sig)
{
	char here;

	seen = (uintptr_t)&here;
}

static void waiting_handler(int sig)
{
	char here[3000];
	stack_t now;

	test_fill(here, sizeof(here), 31);
	test_sync_done(&sync_all);
	test_wait_polling();
	test_verify(here, sizeof(here), 31);
	seen = (uintptr_t)here;
	MUST(sigaltstack(NULL, &now));
	CHECK_EQ(now.ss_flags, SS_ONSTACK);
}

static void expect_used(void)
{
	CHECK(seen >= (uintptr_t)mem && seen < (uintptr_t)mem + sizeof(mem));
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = plain_handler, .sa_flags = SA_ONSTACK };
	stack_t alt = { .ss_sp = mem, .ss_size = sizeof(mem) }, now;
	pid_t kid;

	test_init(argc, argv);
	MUST(sigaltstack(&alt, NULL));
	MUST(sigaction(SIGUSR1, &act, NULL));
	act.sa_handler = waiting_handler;
	MUST(sigaction(SIGUSR2, &act, NULL));
	test_sync_init(&sync_all);
	kid = MUST(fork());
	if (kid == 0) {
		raise(SIGUSR2);
		expect_used();
		_exit(0);
	}
	test_sync_wait(&sync_all, 1);

	test_ready();
	test_wait();

	if (test_sabotage()) {
		alt.ss_flags = SS_DISABLE;
		MUST(sigaltstack(&alt, NULL));
	}
	MUST(sigaltstack(NULL, &now));
	CHECK(now.ss_sp == mem && now.ss_size == sizeof(mem) && now.ss_flags == 0);
	raise(SIGUSR1);
	expect_used();
	test_reap(kid);
	pass();
}
