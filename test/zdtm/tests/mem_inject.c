/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages that the task itself stores: --capture=inject.
 *
 * More than one window of the image takes, more runs than one command takes, pages of zeros among others, pages that
 * the task may not read. What the task does about the signals that its own code could raise stays.
 *
 * dump-options: --capture inject
 */
#include <signal.h>
#include <sys/mman.h>

#include "zdtm.h"

#define LARGE	(70ul << 20)
#define NR_RUNS 1300
#define WORDS	(TEST_PAGE / sizeof(uint64_t))

static uint64_t word(uint64_t page, uint64_t n)
{
	return page % 7 == 3 ? 0 : (page << 20 | n) * 0x9e3779b97f4a7c15ull;
}

static void fill(uint64_t *mem, size_t pages, size_t step)
{
	for (size_t page = 0; page < pages; page += step)
		for (size_t n = 0; n < WORDS; n++)
			mem[page * WORDS + n] = word(page, n);
}

static void check(const uint64_t *mem, size_t pages, size_t step)
{
	for (size_t page = 0; page < pages; page += step)
		for (size_t n = 0; n < WORDS; n++)
			CHECK_EQ(mem[page * WORDS + n], word(page, n));
}

static uint64_t *map(size_t pages)
{
	return MUST(
		(uint64_t *)mmap(NULL, pages * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void handler(int sig)
{
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handler };
	uint64_t *large, *runs, *hidden;

	test_init(argc, argv);
	MUST(sigaction(SIGBUS, &action, NULL));
	large = map(LARGE / TEST_PAGE);
	fill(large, LARGE / TEST_PAGE, 1);
	runs = map(2 * NR_RUNS);
	fill(runs, 2 * NR_RUNS, 2);
	hidden = map(3);
	fill(hidden, 3, 1);
	MUST(mprotect(hidden, 3 * TEST_PAGE, PROT_NONE));
	test_ready();
	test_wait();
	MUST(mprotect(hidden, 3 * TEST_PAGE, PROT_READ | PROT_WRITE));
	if (test_sabotage())
		large[LARGE / 8 - 1] ^= 1;
	check(large, LARGE / TEST_PAGE, 1);
	check(runs, 2 * NR_RUNS, 2);
	check(hidden, 3, 1);
	CHECK_EQ(runs[WORDS], 0);
	MUST(sigaction(SIGBUS, NULL, &action));
	CHECK(action.sa_handler == handler);
	pass();
}
