/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Children that tell of their end by another signal than SIGCHLD, or by none (clone(2)): living ones, stopped ones,
 * zombies, with memory of their own and with ours, and one that was created by a sibling. What zombies sent before
 * isn't sent again.
 */
#include <sys/wait.h>

#include "sharing.h"

/* The C library keeps it for itself, so that its functions don't block it. */
#define SIG_INTERNAL 33

enum {
	NONE,
	USER,
	NONE_VM,
	REALTIME_VM,
	PAIR,
	STOPPED,
	ZOMBIE_NONE,
	ZOMBIE_USER,
	ZOMBIE_PENDING,
	ZOMBIE_INTERNAL,
	KIDS
};

static const struct {
	int sig;
	bool shares_vm;
} kinds[KIDS] = {
	[NONE] = { 0 },
	[USER] = { SIGUSR1 },
	[NONE_VM] = { 0, true },
	[REALTIME_VM] = { 36, true },
	[PAIR] = { SIGUSR2 },
	[STOPPED] = { SIGURG },
	[ZOMBIE_NONE] = { 0 },
	[ZOMBIE_USER] = { SIGWINCH },
	[ZOMBIE_PENDING] = { 37 },
	[ZOMBIE_INTERNAL] = { SIG_INTERNAL },
};

static volatile int *steps;
/* In the memory of the pair. */
static volatile int pair_sum;

static int in_sibling(void *arg)
{
	take_step(&steps[0]);
	test_wait_polling();
	take_step(&pair_sum);
	_exit(0);
}

static void run(int kind)
{
	if (kind == PAIR)
		steps[1] = clone_on_stack(in_sibling, CLONE_VM | CLONE_PARENT);
	if (kind < ZOMBIE_NONE) {
		take_step(&steps[0]);
		if (kind == STOPPED)
			raise(SIGSTOP);
		test_wait_polling();
	}
	if (kind == PAIR)
		wait_step(&pair_sum, 1);
	_exit(kind);
}

/* Taken before the next one is created. */
static volatile int kind_in_vm;

static int run_in_vm(void *arg)
{
	run(kind_in_vm);
	return 0;
}

static pid_t create(int kind)
{
	pid_t kid;

	if (kinds[kind].shares_vm) {
		kind_in_vm = kind;
		kid = clone_on_stack(run_in_vm, CLONE_VM | kinds[kind].sig);
		wait_step(&steps[0], kind + 1);
		return kid;
	}
	kid = MUST(syscall(SYS_clone, kinds[kind].sig, NULL, NULL, NULL, NULL));
	if (kid == 0)
		run(kind);
	return kid;
}

/* How many are waiting, at once taken. */
static int take(int sig)
{
	const struct timespec now = { 0 };
	uint64_t set = 1ull << (sig - 1);
	int nr = 0;

	while (syscall(SYS_rt_sigtimedwait, &set, NULL, &now, sizeof(set)) == sig)
		nr++;
	return nr;
}

static void reap(pid_t kid, int status)
{
	int got;

	CHECK_EQ(waitpid(kid, &got, __WALL), kid);
	CHECK_EQ(got, status << 8);
}

int main(int argc, char **argv)
{
	const uint64_t all = ~(1ull << (SIGTERM - 1));
	pid_t kids[KIDS];
	siginfo_t info;

	test_init(argc, argv);
	steps = make_steps();
	MUST(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all)));
	for (int i = 0; i < KIDS; i++)
		kids[i] = create(i);
	wait_step(&steps[0], ZOMBIE_NONE + 1);
	CHECK_EQ(waitpid(kids[STOPPED], NULL, WUNTRACED | __WALL), kids[STOPPED]);
	CHECK_EQ(take(SIGCHLD), 1);
	for (int i = ZOMBIE_NONE; i < KIDS; i++) {
		MUST(waitid(P_PID, kids[i], &info, WEXITED | WNOWAIT | __WALL));
		if (i != ZOMBIE_NONE && i != ZOMBIE_PENDING)
			CHECK_EQ(take(kinds[i].sig), 1);
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(sigqueue(getpid(), kinds[ZOMBIE_PENDING].sig, (union sigval){ 0 }));
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	CHECK_EQ(waitpid(kids[STOPPED], NULL, WUNTRACED | WNOHANG | __WALL), 0);
	for (int i = ZOMBIE_NONE; i < KIDS; i++) {
		if (i != ZOMBIE_NONE)
			CHECK_EQ(take(kinds[i].sig), i == ZOMBIE_PENDING);
		reap(kids[i], i);
	}
	CHECK_EQ(take(SIGCHLD), 0);
	kill(kids[STOPPED], SIGCONT);
	for (int i = 0; i < ZOMBIE_NONE; i++) {
		reap(kids[i], i);
		if (kinds[i].sig)
			CHECK_EQ(take(kinds[i].sig), 1);
	}
	reap(steps[1], 0);
	take(SIGUSR2);
	take(SIGCHLD); /* of what was stopped and went on */
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGTERM)
			CHECK_EQ(take(sig), 0);
	pass();
}
