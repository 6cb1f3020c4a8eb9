/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations with other threads and processes, signals and futexes.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fuzz.h"

#define DEEPEST 2
#define READERS 3
#define STACK	(8 * TEST_PAGE) /* room for a signal frame with all registers */

extern char **environ;

/* The child has a copy of both arenas, and all that is missing in the parent's is missing in its own. */
static void fork_and_go_on(void)
{
	unsigned int beside = random_below(&fuzz.rng, 6), nr = random_below(&fuzz.rng, 12);
	uint64_t seed = random_below(&fuzz.rng, UINT32_MAX);
	pid_t pid;

	if (fuzz.depth == DEEPEST)
		return;
	fuzz_note("  fork, %u operations in the child, %u in the parent", nr, beside);
	pid = MUST(fork());
	if (!pid) {
		fuzz.depth++;
		fuzz.rng.state = seed;
		fuzz_run(nr);
		fuzz.number++;
		fuzz_settle();
		fuzz_note("compare everything");
		arena_compare(&fuzz.rng, random_chance(&fuzz.rng, 50));
		_exit(0);
	}
	fuzz.depth++; /* no fork without end beside a child */
	fuzz_run(beside);
	fuzz.depth--;
	test_reap(pid);
}

static void spawn(void)
{
	char *argv[] = { "true", NULL };
	pid_t pid;

	CHECK_EQ(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ), 0);
	test_reap(pid);
}

static void *reader(void *arg)
{
	struct random rng = { (uintptr_t)arg };

	for (int i = 0; i < 40; i++)
		arena_compare_page(random_below(&rng, ARENA_PAGES));
	return NULL;
}

static void threads(void)
{
	pthread_t thread[READERS];
	uintptr_t seed = random_below(&fuzz.rng, UINT32_MAX);

	/* Two of them touch the same pages. */
	for (int i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, reader, (void *)(seed + i / 2)), 0);
	for (int i = 0; i < READERS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

struct touching {
	struct range range;
	volatile bool stop;
};

static void *toucher(void *arg)
{
	struct touching *touching = arg;
	char byte;

	while (!touching->stop)
		for (size_t i = 0; i < touching->range.size && !touching->stop; i += TEST_PAGE)
			arena_load(&byte, arena[SUBJECT] + touching->range.at + i, 1);
	return NULL;
}

static void compare_range(struct range range)
{
	for (size_t i = 0; i < range.size; i += TEST_PAGE)
		arena_compare_page((range.at + i) / TEST_PAGE);
}

/* Pages go while threads make them come. What the threads see is open; what is there in the end is not. */
static void race(void)
{
	static const char *const names[] = { "madvise(DONTNEED)", "munmap and mmap", "mmap", "mprotect", "fork" };
	struct touching touching = { .range = pick_pages(64) };
	size_t at = touching.range.at, size = touching.range.size;
	int how = random_below(&fuzz.rng, 5);
	pthread_t thread[2];
	char *over;
	pid_t pid;

	fuzz_note("  touch pages %zu + %zu while: %s", at / TEST_PAGE, size / TEST_PAGE, names[how]);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, toucher, &touching), 0);
	if (random_chance(&fuzz.rng, 50))
		sched_yield();
	if (how == 0)
		BOTH(at, madvise(AT, size, MADV_DONTNEED));
	if (how == 1)
		BOTH(at, munmap(AT, size));
	if (how == 1 || how == 2)
		BOTH(at, ({
			     over = mmap(AT, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
					 0);
			     over == MAP_FAILED ? -1 : over != AT;
		     }));
	if (how == 3)
		BOTH(at, mprotect(AT, size, PROT_NONE) ?: mprotect(AT, size, PROT_READ | PROT_WRITE));
	pid = how == 4 ? MUST(fork()) : -1;
	if (!pid) {
		fuzz.depth++;
		compare_range(touching.range);
		_exit(0);
	}
	touching.stop = true;
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	compare_range(touching.range);
	if (pid > 0)
		test_reap(pid);
}

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	handled = 1;
}

/* In a child, which doesn't survive where the stack can't be written to. */
static void signal_stack(void)
{
	struct range range = pick_pages(STACK / TEST_PAGE);

	if (range.at + STACK > ARENA_SIZE)
		return;
	fuzz_note("  a signal's stack in pages %zu", range.at / TEST_PAGE);
	BOTH(range.at, ({
		     stack_t stack = { .ss_sp = AT, .ss_size = STACK };
		     struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
		     struct rlimit none = {};
		     pid_t pid = MUST(fork());
		     int status;

		     if (!pid) {
			     MUST(setrlimit(RLIMIT_CORE, &none));
			     MUST(sigaltstack(&stack, NULL));
			     MUST(sigaction(SIGUSR1, &act, NULL));
			     raise(SIGUSR1);
			     _exit(handled);
		     }
		     MUST(waitpid(pid, &status, 0));
		     status;
	     }));
}

/*
 * FUTEX_WAKE_OP can't wait for a page (Documentation/design/pager.md): it is read before.
 */
static void futex(void)
{
	static const int add_5_wake_if_0 = FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0);
	static const int commands[] = { FUTEX_WAKE, FUTEX_WAKE_PRIVATE, FUTEX_WAIT, FUTEX_WAIT_PRIVATE,
					FUTEX_WAKE_OP_PRIVATE };
	size_t at = pick_pages(1).at + random_below(&fuzz.rng, TEST_PAGE / 4) * 4;
	int command = commands[random_below(&fuzz.rng, 5)];
	static uint32_t other;

	fuzz_note("  futex %d at page %zu.%03zx", command, at / TEST_PAGE, at % TEST_PAGE);
	BOTH(at, ({
		     struct timespec soon = { .tv_nsec = 1000 };
		     uint32_t word;

		     if (command == FUTEX_WAKE_OP_PRIVATE)
			     arena_load(&word, AT, 4);
		     command == FUTEX_WAKE_OP_PRIVATE ? syscall(SYS_futex, &other, command, 1, 1, AT, add_5_wake_if_0)
						      : syscall(SYS_futex, AT, command, 0, &soon, NULL, 0);
	     }));
}

/* Pages come meanwhile. */
static void pause_a_moment(void)
{
	struct timespec ts = { .tv_nsec = random_below(&fuzz.rng, 300000) };

	nanosleep(&ts, NULL);
}

const struct op ops_task[] = {
	{ "fork", 3, fork_and_go_on }, { "posix_spawn", 1, spawn }, { "threads", 3, threads },	    { "race", 8, race },
	{ "signal", 3, signal_stack }, { "futex", 5, futex },	    { "pause", 4, pause_a_moment }, {},
};
